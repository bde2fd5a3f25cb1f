import type { ReactNode } from 'react';
import { type Feed, sentence, type Trouble } from '../api/hooks';

export function Loading({ what = 'Loading' }: { what?: string }) {
  return (
    <p className="state" role="status">
      <span className="spinner" aria-hidden="true" />
      {what}…
    </p>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return <p className="state empty">{children}</p>;
}

export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <div className="state failure" role="alert">
      <p>{typeof error === 'string' ? error : sentence(error)}</p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Why what is shown does not change by itself any more. */
export function Stopped({ feed }: { feed: Feed }) {
  if (!feed.error) return null;
  return <Failure error={feed.error} onRetry={feed.restart} />;
}

/** What was refused, and why. */
export function Problems({ problems }: { problems: readonly Trouble[] }) {
  if (problems.length === 0) return null;
  return (
    <ul className="problems" role="alert">
      {problems.map(({ code, message, field }) => (
        <li key={`${code} ${field?.join('.')} ${message}`}>{message}</li>
      ))}
    </ul>
  );
}

interface Query<Data> {
  data: Data | undefined;
  error?: unknown;
  refetch: () => Promise<unknown>;
}

/** What a query brings: while it loads, when it fails, and then `children`. What is there already stays when it fails later. */
export function Loaded<Data>({
  query,
  what,
  children,
}: {
  query: Query<Data>;
  what: string;
  children: (data: Data) => ReactNode;
}) {
  if (query.data) return children(query.data);
  if (query.error)
    return <Failure error={query.error} onRetry={() => void query.refetch().catch(() => {})} />;
  return <Loading what={`Loading ${what}`} />;
}

interface Page {
  hasNextPage: boolean;
  endCursor: string | null;
}

/** The button under a list of which there is more. */
export function More({
  page,
  isBusy,
  onMore,
}: {
  page: Page;
  isBusy: boolean;
  onMore: (after: string | null) => Promise<unknown>;
}) {
  if (!page.hasNextPage) return null;
  return (
    <p className="more">
      <button type="button" disabled={isBusy} onClick={() => void onMore(page.endCursor).catch(() => {})}>
        {isBusy ? 'Loading…' : 'Show more'}
      </button>
    </p>
  );
}
