import { expect, it } from 'vitest';
import { followed } from './followed';

const ids = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `prd_${from + index}`);

it('the next page of a list is followed besides what is followed already, however long the list', () => {
  let parts = followed([], []);
  for (let page = 1; page <= 10; page++) {
    const before = parts;
    parts = followed(parts, ids(1, page * 24));
    expect(parts.slice(0, before.length)).toEqual(before);
    before.forEach((part, index) => void expect(parts[index]).toBe(part));
  }
  expect(parts.flat()).toEqual(ids(1, 240));
});

it('no part has more than a subscription may have', () => {
  expect(followed([], ids(1, 250)).map(({ length }) => length)).toEqual([100, 100, 50]);
});

it('many small parts become a few large ones', () => {
  let parts = followed([], []);
  for (let count = 1; count <= 20; count++) parts = followed(parts, ids(1, count));
  expect(parts).toHaveLength(20);
  expect(followed(parts, ids(1, 21))).toEqual([ids(1, 21)]);
});

it('what is in two lists is followed once', () => {
  expect(followed([], [...ids(1, 3), ...ids(2, 5)])).toEqual([ids(1, 5)]);
});

it('nothing changes while the same is shown, in whatever order, or less of it', () => {
  const parts = followed([], ids(1, 24));
  expect(followed(parts, ids(1, 24).toReversed())).toBe(parts);
  expect(followed(parts, ids(7, 7))).toBe(parts);
  expect(followed([], [])).toHaveLength(0);
});

it('what is shown no more is followed no more, and what is new is', () => {
  const parts = followed(followed([], ids(1, 24)), ids(1, 48));
  expect(followed(parts, [...ids(30, 40), ...ids(90, 91)])).toEqual([ids(25, 48), ids(90, 91)]);
});
