import { chunks, type Row } from '../../lib/csv';
import { newKey } from '../../lib/key';

/** Rows of one request: few enough for the progress to move, many enough for it to be quick. */
const PART = 50;

export interface Progress {
  state: 'running' | 'stopped' | 'done';
  all: number;
  done: number;
  created: number;
  updated: number;
  refused: { row: number; sku: string | null; message: string }[];
  error: string | null;
}

/** What became of the rows of a request, the first of which is 1. */
interface Outcome {
  created: number;
  updated: number;
  rowErrors: readonly { row: number; sku: string | null; error: { message: string } }[];
}

/** Sends rows, and says what became of them, or why nothing did. */
export type Send = (idempotencyKey: string, rows: Row[]) => Promise<Outcome | string>;

/** The import of one file, part by part. After a failure it goes on with the part that failed, under the same key. */
export class ImportRun {
  readonly #send: Send;
  readonly #left: { key: string; rows: Row[] }[];
  #progress: Progress;

  constructor(rows: readonly Row[], send: Send) {
    this.#send = send;
    this.#left = chunks(rows, PART).map((part) => ({ key: newKey(), rows: part }));
    this.#progress = {
      state: 'stopped',
      all: rows.length,
      done: 0,
      created: 0,
      updated: 0,
      refused: [],
      error: null,
    };
  }

  /** Begins, or goes on where it stopped, and shows how far it is; nothing while it is running, so that no part is sent twice. */
  async go(show: (progress: Progress) => void): Promise<void> {
    if (this.#progress.state === 'running') return;
    const change = (to: Partial<Progress>) => {
      this.#progress = { ...this.#progress, ...to };
      show(this.#progress);
    };
    change({ state: 'running', error: null });
    for (let [part] = this.#left; part; [part] = this.#left) {
      const outcome = await this.#send(part.key, part.rows);
      if (typeof outcome === 'string') {
        change({ state: 'stopped', error: outcome });
        return;
      }
      this.#left.shift();
      const { done, created, updated, refused } = this.#progress;
      const refusedNow = outcome.rowErrors.map(({ row, sku, error: { message } }) => ({
        row: done + row,
        sku,
        message,
      }));
      change({
        done: done + part.rows.length,
        created: created + outcome.created,
        updated: updated + outcome.updated,
        refused: [...refused, ...refusedNow],
      });
    }
    change({ state: 'done' });
  }
}
