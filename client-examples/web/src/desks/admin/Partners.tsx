import { useFeed, useLoad } from '../../api/hooks';
import { graphql, unmask } from '../../gql';
import { duration, words } from '../../lib/format';
import { lastDays } from '../../lib/periods';
import { reload } from '../../ui/reload';
import { Empty, Loaded, More, Stopped } from '../../ui/states';
import { useSoon } from '../../ui/useSoon';
import { ADMIN_UPDATES } from './updates';

const PartnerRow = graphql(`
  fragment PartnerRow on User {
    id
    name
    partner {
      vehicle
      available
      capacity
      activeDeliveries
      completedDeliveries
      rating
    }
  }
`);

const PARTNERS = graphql(`
  query Partners($first: Int = 25, $after: String) {
    admin {
      partners(first: $first, after: $after) {
        edges {
          cursor
          node {
            ...PartnerRow
            id
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

const PERFORMANCE = graphql(`
  query Performance($from: DateTime!, $to: DateTime!, $after: String) {
    admin {
      partnerPerformance(from: $from, to: $to, first: 25, after: $after) {
        edges {
          cursor
          node {
            partner {
              id
              name
            }
            deliveries
            medianDeliverySeconds
            releasedClaims
            expiredClaims
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

export function Partners() {
  const query = useLoad(PARTNERS, {});
  const refreshSoon = useSoon(() => void reload(query, ({ admin }) => admin.partners));
  // Who goes online is in the item itself; what they carry follows from the orders.
  const feed = useFeed(
    ADMIN_UPDATES,
    {},
    {
      onItem: ({ adminUpdates: item }) => {
        if (item.__typename !== 'PartnerChanged') refreshSoon();
      },
    },
  );
  return (
    <>
      <h1>Partners</h1>
      <Stopped feed={feed} />
      <Loaded query={query} what="partners">
        {({ admin: { partners } }) =>
          partners.edges.length === 0 ? (
            <Empty>Nobody delivers yet.</Empty>
          ) : (
            <>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
              <section className="card scroll" aria-label="Partners" tabIndex={0}>
                <table data-testid="partners">
                  <caption className="unseen">Partners</caption>
                  <thead>
                    <tr>
                      <th scope="col">Name</th>
                      <th scope="col">Takes orders</th>
                      <th scope="col">Vehicle</th>
                      <th scope="col">Carries</th>
                      <th scope="col">Delivered</th>
                      <th scope="col">Rating</th>
                    </tr>
                  </thead>
                  <tbody>
                    {unmask(
                      PartnerRow,
                      partners.edges.map(({ node }) => node),
                    ).map(({ id, name, partner }) => (
                      <tr key={id}>
                        <th scope="row">{name}</th>
                        <td>{partner?.available ? 'Yes' : 'No'}</td>
                        <td>{partner ? words(partner.vehicle) : '—'}</td>
                        <td>{partner ? `${partner.activeDeliveries} of ${partner.capacity}` : '—'}</td>
                        <td>{partner?.completedDeliveries ?? 0}</td>
                        <td>{partner?.rating != null ? `${partner.rating} ★` : '—'}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </section>
              <More
                page={partners.pageInfo}
                isBusy={query.loading}
                onMore={(after) => query.fetchMore({ variables: { after } })}
              />
            </>
          )
        }
      </Loaded>
      <Performance />
    </>
  );
}

function Performance() {
  const query = useLoad(PERFORMANCE, lastDays(30));
  return (
    <section className="card" aria-labelledby="performance">
      <h2 id="performance">The last 30 days</h2>
      <Loaded query={query} what="how they did">
        {({ admin: { partnerPerformance } }) => (
          <>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
            <section className="scroll" aria-label="Table: The last 30 days" tabIndex={0}>
              <table>
                <caption className="unseen">The last 30 days</caption>
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">Deliveries</th>
                    <th scope="col">Median time</th>
                    <th scope="col">Given back</th>
                    <th scope="col">Expired</th>
                  </tr>
                </thead>
                <tbody>
                  {partnerPerformance.edges.map(
                    ({
                      node: { partner, deliveries, medianDeliverySeconds, releasedClaims, expiredClaims },
                    }) => (
                      <tr key={partner.id}>
                        <th scope="row">{partner.name}</th>
                        <td>{deliveries}</td>
                        <td>{medianDeliverySeconds === null ? '—' : duration(medianDeliverySeconds)}</td>
                        <td>{releasedClaims}</td>
                        <td>{expiredClaims}</td>
                      </tr>
                    ),
                  )}
                </tbody>
              </table>
            </section>
            <More
              page={partnerPerformance.pageInfo}
              isBusy={query.loading}
              onMore={(after) => query.fetchMore({ variables: { after } })}
            />
          </>
        )}
      </Loaded>
    </section>
  );
}
