import type { ReactNode } from 'react';
import { type FragmentType, graphql, unmask } from '../gql';
import { when, words } from '../lib/format';

export const TimelineEntry = graphql(`
  fragment TimelineEntry on OrderEvent {
    id
    type
    orderVersion
    actorRole
    note
    at
  }
`);

/** What happened to an order; `children` lead to what happened later. */
export function Timeline({
  entries,
  children,
}: {
  entries: readonly FragmentType<typeof TimelineEntry>[];
  children?: ReactNode;
}) {
  return (
    <section className="card" aria-labelledby="timeline">
      <h2 id="timeline">What happened</h2>
      <ol className="timeline" data-testid="timeline">
        {unmask(TimelineEntry, entries).map(({ id, type, actorRole, note, at, orderVersion }) => (
          <li key={id} data-version={orderVersion}>
            <time dateTime={at}>{when(at)}</time> {words(type)}
            {actorRole && <small> by the {actorRole.toLowerCase()}</small>}
            {note && <small>: {note}</small>}
          </li>
        ))}
      </ol>
      {children}
    </section>
  );
}
