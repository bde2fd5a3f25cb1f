import { createElement, Fragment } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import { StreetMap } from './StreetMap';

it('each of several maps has streets of its own scale', () => {
  const map = (latitude: number) =>
    createElement(StreetMap, {
      markers: [
        { kind: 'store' as const, point: { latitude: 12.97, longitude: 77.64 }, label: 'Store' },
        { kind: 'door' as const, point: { latitude, longitude: 77.64 }, label: 'Home' },
      ],
      trail: [],
      description: 'Map',
    });
  const page = renderToStaticMarkup(createElement(Fragment, null, map(12.98), map(13.05)));
  const drawn = [...page.matchAll(/<pattern id="([^"]+)" width="([^"]+)"/g)];
  const used = [...page.matchAll(/fill="url\(#([^"]+)\)"/g)].map(([, id]) => id);
  expect(drawn).toHaveLength(2);
  expect(used).toEqual(drawn.map(([, id]) => id));
  expect(new Set(used).size).toBe(2);
  expect(new Set(drawn.map(([, , width]) => width)).size).toBe(2);
});
