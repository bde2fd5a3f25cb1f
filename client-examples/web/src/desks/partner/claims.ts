import { graphql } from '../../gql';

export const ClaimParts = graphql(`
  fragment ClaimParts on Claim {
    id
    status
    expiresAt
    serverTime
  }
`);

/** Nobody may carry more than a hundred orders at once. */
export const CLAIMS = graphql(`
  query Claims {
    partner {
      claims(filter: { status: [HELD, ACCEPTED] }, first: 100) {
        edges {
          cursor
          node {
            ...ClaimParts
            id
            order {
              id
              version
              ...OrderDetail
            }
          }
        }
      }
    }
  }
`);

export const ACCEPT = graphql(`
  mutation AcceptClaim($input: AcceptClaimInput!) {
    result: acceptClaim(input: $input) {
      claim {
        ...ClaimParts
      }
      order {
        id
        version
        ...OrderDetail
      }
      userErrors {
        ...Problem
      }
    }
  }
`);

export const RELEASE = graphql(`
  mutation ReleaseClaim($input: ReleaseClaimInput!) {
    result: releaseClaim(input: $input) {
      claim {
        ...ClaimParts
      }
      userErrors {
        ...Problem
      }
    }
  }
`);
