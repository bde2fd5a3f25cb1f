import { expect, it, vi } from 'vitest';
import { ImportRun, type Progress, type Send } from './importRun';

const rowsOf = (file: string, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    sku: `${file}-${index + 1}`,
    name: 'Tin',
    description: 'Peeled',
    categorySlug: 'staples',
    price: '40.00',
    stock: 12,
  }));

const allNew: Send = async (_, rows) => ({ created: rows.length, updated: 0, rowErrors: [] });

/** What is shown of a run, each time it changes. */
function screen() {
  const shown: Progress[] = [];
  return { shown, show: (progress: Progress) => shown.push(progress) };
}

it('a file goes in parts, and the progress with them', async () => {
  const { shown, show } = screen();
  const send = vi.fn(allNew);
  await new ImportRun(rowsOf('A', 120), send).go(show);
  expect(send.mock.calls.map(([, rows]) => rows.length)).toEqual([50, 50, 20]);
  expect(new Set(send.mock.calls.map(([key]) => key)).size).toBe(3);
  expect(shown.map(({ state, done, created }) => [state, done, created])).toEqual([
    ['running', 0, 0],
    ['running', 50, 50],
    ['running', 100, 100],
    ['running', 120, 120],
    ['done', 120, 120],
  ]);
});

it('what is refused is named by its row of the file, not of its part', async () => {
  const { shown, show } = screen();
  const send: Send = async (_, rows) => ({
    created: 0,
    updated: rows.length - 1,
    rowErrors: [{ row: 2, sku: rows[1]?.sku ?? null, error: { message: 'There is no such category.' } }],
  });
  await new ImportRun(rowsOf('A', 60), send).go(show);
  expect(shown.at(-1)).toMatchObject({ state: 'done', created: 0, updated: 58 });
  expect(shown.at(-1)?.refused.map(({ row, sku }) => [row, sku])).toEqual([
    [2, 'A-2'],
    [52, 'A-52'],
  ]);
});

it('it stops at a failure, says why, and goes on with the same part under the same key', async () => {
  const { shown, show } = screen();
  const send = vi
    .fn(allNew)
    .mockImplementationOnce(allNew)
    .mockResolvedValueOnce('The server cannot be reached just now.');
  const run = new ImportRun(rowsOf('A', 120), send);
  await run.go(show);
  expect(shown.at(-1)).toMatchObject({
    state: 'stopped',
    done: 50,
    error: 'The server cannot be reached just now.',
  });
  await run.go(show);
  expect(shown.at(-1)).toMatchObject({ state: 'done', done: 120, created: 120, error: null });
  const [, failed, again] = send.mock.calls;
  expect(again).toEqual(failed);
  expect(send).toHaveBeenCalledTimes(4);
});

it('begun twice it runs once', async () => {
  const { shown, show } = screen();
  const send = vi.fn(allNew);
  const run = new ImportRun(rowsOf('A', 120), send);
  await Promise.all([run.go(show), run.go(show)]);
  expect(send).toHaveBeenCalledTimes(3);
  expect(shown.at(-1)).toMatchObject({ state: 'done', done: 120, created: 120 });
});

it('two files have nothing in common', async () => {
  const [a, b] = [screen(), screen()];
  const send = vi.fn(allNew);
  await Promise.all([
    new ImportRun(rowsOf('A', 120), send).go(a.show),
    new ImportRun(rowsOf('B', 60), send).go(b.show),
  ]);
  expect(a.shown.at(-1)).toMatchObject({ state: 'done', all: 120, done: 120, created: 120 });
  expect(b.shown.at(-1)).toMatchObject({ state: 'done', all: 60, done: 60, created: 60 });
  const sent = send.mock.calls.flatMap(([, rows]) => rows.map(({ sku }) => sku));
  expect(new Set(sent).size).toBe(180);
  expect(sent).toHaveLength(180);
});
