import { useLoad } from '../../api/hooks';
import { graphql } from '../../gql';
import { dateTime } from '../../lib/format';
import { Button } from '../../ui/Button';
import { Empty, Loaded, More } from '../../ui/states';

const AUDIT = graphql(`
  query Audit($after: String) {
    admin {
      auditLog(first: 25, after: $after) {
        edges {
          cursor
          node {
            id
            actor {
              id
              name
            }
            apiKey {
              id
              name
            }
            action
            targetId
            before
            after
            at
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

export function Audit() {
  const query = useLoad(AUDIT, {});
  return (
    <>
      <h1>Audit</h1>
      <Button isBusy={query.loading} onClick={() => void query.refetch().catch(() => {})}>
        Look again
      </Button>
      <Loaded query={query} what="the audit log">
        {({ admin: { auditLog } }) =>
          auditLog.edges.length === 0 ? (
            <Empty>Nobody has done anything that is written down here.</Empty>
          ) : (
            <>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
              <section className="card scroll" aria-label="Audit log" tabIndex={0}>
                <table data-testid="audit">
                  <caption className="unseen">Audit log</caption>
                  <thead>
                    <tr>
                      <th scope="col">When</th>
                      <th scope="col">Who</th>
                      <th scope="col">What</th>
                      <th scope="col">To what</th>
                      <th scope="col">Since</th>
                    </tr>
                  </thead>
                  <tbody>
                    {auditLog.edges.map(
                      ({ node: { id, actor, apiKey, action, targetId, before, after, at } }) => (
                        <tr key={id}>
                          <td>{dateTime(at)}</td>
                          <td>
                            {actor?.name ?? 'An operator'}
                            {apiKey && ` by ${apiKey.name}`}
                          </td>
                          <td>{action}</td>
                          <td>
                            <code>{targetId ?? '—'}</code>
                          </td>
                          <td>
                            <code title={before ?? undefined}>{after ?? '—'}</code>
                          </td>
                        </tr>
                      ),
                    )}
                  </tbody>
                </table>
              </section>
              <More
                page={auditLog.pageInfo}
                isBusy={query.loading}
                onMore={(after) => query.fetchMore({ variables: { after } })}
              />
            </>
          )
        }
      </Loaded>
    </>
  );
}
