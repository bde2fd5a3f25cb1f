import { type ReactNode, useState } from 'react';
import { type Feed, sentence, type Trouble } from '../api/hooks';
import { Button } from './Button';

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

/** The name of the input that it is about, if it is about one. */
export function inputOf({ field }: Trouble): string | undefined {
  return field?.at(-1);
}

/** What was refused, and why; but for the inputs that say it themselves: those in `beside`. */
export function Problems({
  id,
  problems,
  beside = [],
}: {
  id?: string;
  problems: readonly Trouble[];
  beside?: readonly string[];
}) {
  const shown = problems.filter((problem) => !beside.includes(inputOf(problem) ?? ''));
  if (shown.length === 0) return null;
  return (
    <div id={id} className="problems" role="alert">
      <ul>
        {shown.map(({ code, message, field }) => (
          <li key={`${code} ${field?.join('.')} ${message}`}>{message}</li>
        ))}
      </ul>
    </div>
  );
}

interface Query<Data> {
  data: Data | undefined;
  loading: boolean;
  error?: unknown;
  refetch: () => Promise<unknown>;
}

/**
 * What a query brings: while it loads, when it fails, and then `children`. What is there already stays when it fails later, with
 * the word that it may have changed.
 */
export function Loaded<Data>({
  query,
  what,
  children,
}: {
  query: Query<Data>;
  what: string;
  children: (data: Data) => ReactNode;
}) {
  const [why, setWhy] = useState<string | null>(null);
  // Said on while it is asked again, so that the page does not jump with every try.
  const now = query.loading ? why : query.error ? sentence(query.error) : null;
  if (now !== why) setWhy(now);
  const retry = () => void query.refetch().catch(() => {});
  if (query.data) {
    return (
      <>
        {now && <Failure error={`This may have changed since. ${now}`} onRetry={retry} />}
        {children(query.data)}
      </>
    );
  }
  if (query.error) return <Failure error={query.error} onRetry={retry} />;
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
  const [failed, setFailed] = useState<{ after: string | null; why: string } | null>(null);
  if (!page.hasNextPage) return null;
  const after = page.endCursor;
  const more = async () => {
    setFailed(null);
    await onMore(after).catch((error: unknown) => setFailed({ after, why: sentence(error) }));
  };
  return (
    <div className="more">
      {/* Of another search it says nothing. */}
      {failed?.after === after && <Failure error={failed.why} />}
      <Button isBusy={isBusy} onClick={() => void more()}>
        {isBusy ? 'Loading…' : 'Show more'}
      </Button>
    </div>
  );
}
