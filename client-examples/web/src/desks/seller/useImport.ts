import { useApolloClient } from '@apollo/client/react';
import { useRef, useState } from 'react';
import { sentence } from '../../api/hooks';
import { Problem } from '../../api/problem';
import { graphql, unmask } from '../../gql';
import type { Row } from '../../lib/csv';
import { ImportRun, type Progress, type Send } from './importRun';

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

/** The import of one file at a time: what became of another, which was forgotten meanwhile, is not shown. */
export function useImport() {
  const client = useApolloClient();
  const [progress, setProgress] = useState<Progress | null>(null);
  const run = useRef<ImportRun | null>(null);

  const send: Send = async (idempotencyKey, rows) => {
    try {
      const { data } = await client.mutate({
        mutation: IMPORT,
        variables: { input: { idempotencyKey, rows } },
      });
      const result = data?.result;
      const [problem] = unmask(Problem, result?.userErrors) ?? [];
      if (!result || problem) return problem?.message ?? 'The server did not say what became of it.';
      return result;
    } catch (error) {
      return sentence(error);
    }
  };
  const begin = (rows: Row[]) => {
    const mine = run.current ?? new ImportRun(rows, send);
    run.current = mine;
    void mine.go((now) => {
      if (run.current === mine) setProgress(now);
    });
  };
  const forget = () => {
    run.current = null;
    setProgress(null);
  };
  return { progress, begin, forget };
}
