import { chunks } from './csv';

/** Most things of which one subscription tells, and most subscriptions: the server lets a socket have a hundred in all. */
const MOST = 100;
const MOST_PARTS = 20;

type Parts = readonly (readonly string[])[];

/**
 * `ids` in parts, one for each subscription. A part stays as it is for as long as any of it is shown, so that the next page of a
 * list is followed besides what is followed already. The same parts when nothing changes; all made anew when they have become
 * too many.
 */
export function followed(parts: Parts, ids: readonly string[]): Parts {
  const shown = new Set(ids);
  const kept = parts.filter((part) => part.some((id) => shown.has(id)));
  for (const id of kept.flat()) shown.delete(id);
  if (shown.size === 0 && kept.length === parts.length) return parts;
  const next = [...kept, ...chunks([...shown], MOST)];
  return next.length > MOST_PARTS ? chunks([...new Set(ids)], MOST) : next;
}
