import { describe, expect, it } from 'vitest';
import { asClock, secondsLeft } from './countdown';
import { chunks, parseProducts } from './csv';
import { withEdge } from './edges';
import { dateTime, time, when } from './format';
import { distanceKm, heading, onward, projection, scaleKm } from './geo';
import { labelOf, lastDays } from './periods';

describe('a countdown', () => {
  const until = '2026-01-31T12:02:00.000Z';
  const at = (time: string) => secondsLeft(until, Date.parse(time));

  it('counts whole seconds, and is at nothing only when the time is over', () => {
    expect(at('2026-01-31T12:00:00.000Z')).toBe(120);
    expect(at('2026-01-31T12:00:00.001Z')).toBe(120);
    expect(at('2026-01-31T12:01:59.999Z')).toBe(1);
    expect(at('2026-01-31T12:02:00.000Z')).toBe(0);
    expect(at('2026-01-31T13:00:00.000Z')).toBe(0);
  });

  it('is read as a clock', () => {
    expect([0, 9, 65, 600].map(asClock)).toEqual(['0:00', '0:09', '1:05', '10:00']);
  });
});

describe('when something was', () => {
  const at = (day: number, hour: number) => new Date(2026, 0, day, hour);
  const iso = at(30, 23).toISOString();

  it('is a time on the same day, and has the day on any other', () => {
    expect(when(iso, at(30, 1))).toBe(time(iso));
    for (const day of [29, 31]) expect(when(iso, at(day, 23))).toBe(dateTime(iso));
  });
});

describe('the map', () => {
  const store = { latitude: 12.9784, longitude: 77.6408 };
  const door = { latitude: 12.9719, longitude: 77.6412 };

  it('has everything on it, within its margins, north up and east to the right', () => {
    const { toSpot } = projection([store, door], 420, 260, 44);
    const [a, b] = [toSpot(store), toSpot(door)];
    for (const { x, y } of [a, b]) {
      expect(x).toBeGreaterThanOrEqual(44);
      expect(x).toBeLessThanOrEqual(376);
      expect(y).toBeGreaterThanOrEqual(43.9);
      expect(y).toBeLessThanOrEqual(216.1);
    }
    expect(a.y).toBeLessThan(b.y);
    expect(a.x).toBeLessThan(b.x);
  });

  it('is true to scale in both directions', () => {
    const { toSpot, pixelsPerKm } = projection([store, door], 420, 260, 44);
    const [a, b] = [toSpot(store), toSpot(door)];
    expect(Math.hypot(a.x - b.x, a.y - b.y) / pixelsPerKm).toBeCloseTo(distanceKm(store, door), 3);
  });

  it('stands one point, or none, in the middle', () => {
    expect(projection([store], 420, 260, 44).toSpot(store)).toEqual({ x: 210, y: 130 });
    expect(Number.isFinite(projection([], 420, 260, 44).pixelsPerKm)).toBe(true);
  });

  it('knows how far and whereto', () => {
    expect(distanceKm(store, door)).toBeCloseTo(0.725, 2);
    expect(heading(store, { ...store, latitude: 13 })).toBeCloseTo(0);
    expect(heading(store, { ...store, longitude: 78 })).toBeCloseTo(90);
    expect(heading(store, { ...store, latitude: 12 })).toBeCloseTo(180);
    expect(heading(store, { ...store, longitude: 77 })).toBeCloseTo(270);
  });

  it('goes on and does not overshoot', () => {
    expect(distanceKm(store, onward(store, door, 0.1))).toBeCloseTo(0.1, 3);
    expect(onward(store, door, 99)).toEqual(door);
    expect(onward(store, store, 0.1)).toEqual(store);
  });

  it('has a scale of a round length', () => {
    expect(scaleKm(237, 100)).toBeCloseTo(0.2);
    expect(scaleKm(100, 100)).toBe(1);
    expect(scaleKm(9, 100)).toBe(10);
  });
});

describe('a list that is live', () => {
  const edge = (id: string, createdAt: string) => ({ node: { id, createdAt } });
  const list = [edge('c', '2026-03'), edge('a', '2026-01')];
  const here = { belongs: true, hasMore: false };
  const gone = { belongs: false, hasMore: false };

  it('takes what is new to its place', () => {
    expect(withEdge(list, edge('d', '2026-04'), here).map(({ node }) => node.id)).toEqual(['d', 'c', 'a']);
    expect(withEdge(list, edge('b', '2026-02'), here).map(({ node }) => node.id)).toEqual(['c', 'b', 'a']);
    expect(withEdge(list, edge('0', '2025-12'), here).map(({ node }) => node.id)).toEqual(['c', 'a', '0']);
  });

  it('leaves what is older than all of it to the pages yet to be loaded', () => {
    const more = { belongs: true, hasMore: true };
    expect(withEdge(list, edge('0', '2025-12'), more)).toBe(list);
    expect(withEdge(list, edge('b', '2026-02'), more).map(({ node }) => node.id)).toEqual(['c', 'b', 'a']);
  });

  it('lets go what belongs there no more', () => {
    expect(withEdge(list, edge('c', '2026-03'), gone).map(({ node }) => node.id)).toEqual(['a']);
  });

  it('stays the same when nothing changes', () => {
    expect(withEdge(list, edge('c', '2026-03'), here)).toBe(list);
    expect(withEdge(list, edge('x', '2026-03'), gone)).toBe(list);
  });
});

describe('a file of products', () => {
  const HEAD = 'sku,name,description,categorySlug,price,stock,tags';

  it('is read with quotes, lines within them, and lists', () => {
    const { rows, mistakes } = parseProducts(
      `${HEAD}\r\nA-1,"Tea, black","Two\nlines, ""fine""",drinks,40.00,7,hot|vegan\r\n`,
    );
    expect(mistakes).toEqual([]);
    expect(rows).toEqual([
      {
        sku: 'A-1',
        name: 'Tea, black',
        description: 'Two\nlines, "fine"',
        categorySlug: 'drinks',
        price: '40.00',
        stock: 7,
        tags: ['hot', 'vegan'],
      },
    ]);
  });

  it('names what is wrong by its line, also behind a field of several lines', () => {
    const { rows, mistakes } = parseProducts(`${HEAD}\nA,a,"x\ny",c,1,1,\nB,b,b,c,1,many,\n\nC,c\n`);
    expect(rows.map(({ sku }) => sku)).toEqual(['A']);
    expect(mistakes.map(({ line }) => line)).toEqual([4, 6]);
  });

  it('is refused without its columns', () => {
    expect(parseProducts('sku,name\nA,a').mistakes).toEqual([
      { line: 1, message: 'There is no column description, categorySlug, price, stock.' },
    ]);
    expect(parseProducts('').mistakes).toHaveLength(1);
  });

  it('is sent in parts', () => {
    expect(chunks([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
    expect(chunks([], 2)).toEqual([]);
  });
});

describe('a period', () => {
  it('is of whole days of UTC, today included', () => {
    const now = Date.parse('2026-01-31T23:59:00.000Z');
    expect(lastDays(1, now)).toEqual({ from: '2026-01-31T00:00:00.000Z', to: '2026-02-01T00:00:00.000Z' });
    expect(lastDays(7, now).from).toBe('2026-01-25T00:00:00.000Z');
  });

  it('has short names for its parts', () => {
    expect(labelOf('2026-01-31T07:00:00Z', 'HOUR')).toBe('07h');
    expect(labelOf('2026-01-31', 'DAY')).toBe('31.01.');
  });
});
