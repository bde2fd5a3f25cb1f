import { graphql } from '../../gql';

/** Every order of the platform, and partners going online and offline. */
export const ADMIN_UPDATES = graphql(`
  subscription AdminUpdates($after: EventCursor) {
    adminUpdates(after: $after) {
      __typename
      ... on AdminSnapshot {
        cursor
      }
      ... on OrderChanged {
        cursor
        event {
          id
          type
        }
        order {
          ...OrderLine
          id
          version
          status
          createdAt
        }
      }
      ... on PartnerChanged {
        cursor
        partner {
          ...PartnerRow
          id
        }
      }
      ... on StreamReset {
        cursor
      }
    }
  }
`);
