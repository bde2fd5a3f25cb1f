import { graphql } from '../gql';

/** A refusal that people are expected to meet, as data. */
export const Problem = graphql(`
  fragment Problem on UserError {
    __typename
    code
    message
    field
    ... on InsufficientStock {
      available
      product {
        id
        name
      }
    }
    ... on ClaimLost {
      lostReason: reason
      retryAfter
    }
  }
`);
