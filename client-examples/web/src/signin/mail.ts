import { graphql } from '../gql';

export const REQUEST_RESET = graphql(`
  mutation RequestPasswordReset($input: RequestPasswordResetInput!) {
    result: requestPasswordReset(input: $input) {
      userErrors {
        ...Problem
      }
    }
  }
`);

export const VERIFY = graphql(`
  mutation VerifyEmail($input: VerifyEmailInput!) {
    result: verifyEmail(input: $input) {
      user {
        id
        emailVerified
      }
      userErrors {
        ...Problem
      }
    }
  }
`);

/** What stands behind `#token=` in the link of a mail. A fragment is sent to no server, and is in nobody's log. */
export function tokenOf(hash: string): string {
  return new URLSearchParams(hash.replace(/^#/, '')).get('token') ?? '';
}
