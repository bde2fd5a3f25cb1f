import { type ChangeEvent, useRef, useState } from 'react';
import { type Parsed, parseProducts } from '../../lib/csv';
import { plural } from '../../lib/format';
import { Field } from '../../ui/Field';
import { Failure } from '../../ui/states';
import { useImport } from './useImport';

/** Products from a file, a part at a time, with what became of each row. */
export function Import() {
  const [parsed, setParsed] = useState<Parsed | null>(null);
  const [isUnreadable, setUnreadable] = useState(false);
  const chosen = useRef<File | undefined>(undefined);
  const { progress, begin, forget } = useImport();

  const isRunning = progress?.state === 'running';

  const choose = async ({ target }: ChangeEvent<HTMLInputElement>) => {
    const file = target.files?.[0];
    chosen.current = file;
    forget();
    // Nothing can be begun until the file is read, and of two the one that was chosen last counts.
    setParsed(null);
    setUnreadable(false);
    // It may have been moved since, or changed.
    const text = await file?.text().catch(() => null);
    if (text === undefined || chosen.current !== file) return;
    if (text === null) setUnreadable(true);
    else setParsed(parseProducts(text));
  };

  return (
    <>
      <h1>Import</h1>
      <section className="card" aria-label="Import products">
        <p>
          A file of comma-separated values whose first line names the columns: sku, name, description,
          categorySlug, price, stock and, if you like, tags and images. New SKUs become products; the others
          are changed.
        </p>
        <Field label="File">
          {(id) => (
            <input
              id={id}
              type="file"
              accept=".csv,text/csv"
              disabled={isRunning}
              // Else browsers do not tell when the same file is chosen again, which may have been corrected meanwhile.
              onClick={({ currentTarget }) => {
                currentTarget.value = '';
              }}
              onChange={(event) => void choose(event)}
            />
          )}
        </Field>
        {isUnreadable && <Failure error="The file cannot be read. Choose it again." />}
        {parsed && (
          <>
            <p role="status">{plural(parsed.rows.length, 'row')} to import.</p>
            {parsed.mistakes.length > 0 && (
              <div className="problems" role="alert">
                <ul>
                  {parsed.mistakes.slice(0, 20).map(({ line, message }) => (
                    <li key={line}>
                      Line {line}: {message}
                    </li>
                  ))}
                  {parsed.mistakes.length > 20 && <li>and {parsed.mistakes.length - 20} more</li>}
                </ul>
              </div>
            )}
            <button
              type="button"
              className="primary"
              disabled={parsed.rows.length === 0 || isRunning || progress?.state === 'done'}
              onClick={() => begin(parsed.rows)}
            >
              {progress?.state === 'stopped' ? 'Go on' : 'Import'}
            </button>
          </>
        )}
        {progress && (
          <div data-testid="import">
            <label>
              {progress.done} of {plural(progress.all, 'row')}
              <progress value={progress.done} max={progress.all} />
            </label>
            <p role="status">
              {progress.state === 'done' && 'Done: '}
              {progress.created} new, {progress.updated} changed, {progress.refused.length} refused.
            </p>
            {progress.error && <Failure error={progress.error} />}
            <ul className="problems">
              {progress.refused.slice(0, 50).map(({ row, sku, message }) => (
                <li key={row}>
                  Row {row}
                  {sku && ` (${sku})`}: {message}
                </li>
              ))}
              {progress.refused.length > 50 && <li>and {progress.refused.length - 50} more</li>}
            </ul>
          </div>
        )}
      </section>
    </>
  );
}
