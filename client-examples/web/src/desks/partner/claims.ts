import { graphql } from '../../gql';

export const ClaimParts = graphql(`
  fragment ClaimParts on Claim {
    id
    status
    expiresAt
    serverTime
  }
`);

export const CLAIMS = graphql(`
  query Claims {
    partner {
      claims(filter: { status: [HELD, ACCEPTED] }, first: 20) {
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
        pageInfo {
          hasNextPage
          endCursor
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
