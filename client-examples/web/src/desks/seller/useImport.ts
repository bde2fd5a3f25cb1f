import { useApolloClient } from '@apollo/client/react';
import { useRef, useState } from 'react';
import { sentence } from '../../api/hooks';
import { Problem } from '../../api/problem';
import { graphql, unmask } from '../../gql';
import { chunks, type Row } from '../../lib/csv';
import { newKey } from '../../lib/key';

const IMPORT = graphql(`
  mutation ImportProducts($input: ImportProductsInput!) {
    result: importProducts(input: $input) {
      created
      updated
      rowErrors {
        row
        sku
        error {
          message
        }
      }
      userErrors {
        ...Problem
      }
    }
  }
`);

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

/** Sends a file's rows part by part. After a failure it goes on with the part that failed, under the same key. */
export function useImport() {
  const client = useApolloClient();
  const [progress, setProgress] = useState<Progress | null>(null);
  const parts = useRef<{ key: string; rows: Row[]; before: number }[]>([]);

  const begin = async (rows: readonly Row[]) => {
    let now: Progress = progress ?? {
      state: 'running',
      all: rows.length,
      done: 0,
      created: 0,
      updated: 0,
      refused: [],
      error: null,
    };
    if (!progress) {
      parts.current = chunks(rows, PART).map((part, index) => ({
        key: newKey(),
        rows: part,
        before: index * PART,
      }));
    }
    const show = (change: Partial<Progress>) => {
      now = { ...now, ...change };
      setProgress(now);
    };
    show({ state: 'running', error: null });
    for (let [part] = parts.current; part; [part] = parts.current) {
      const { before, rows: sent } = part;
      try {
        const { data } = await client.mutate({
          mutation: IMPORT,
          variables: { input: { idempotencyKey: part.key, rows: sent } },
        });
        const result = data?.result;
        const [problem] = unmask(Problem, result?.userErrors) ?? [];
        if (!result || problem) {
          show({ state: 'stopped', error: problem?.message ?? 'The server did not say what became of it.' });
          return;
        }
        const refused = result.rowErrors.map(({ row, sku, error }) => ({
          row: before + row,
          sku,
          message: error.message,
        }));
        parts.current.shift();
        show({
          done: before + sent.length,
          created: now.created + result.created,
          updated: now.updated + result.updated,
          refused: [...now.refused, ...refused],
        });
      } catch (error) {
        show({ state: 'stopped', error: sentence(error) });
        return;
      }
    }
    show({ state: 'done' });
  };
  return { progress, begin, forget: () => setProgress(null) };
}
