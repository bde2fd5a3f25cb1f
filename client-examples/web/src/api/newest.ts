import { ApolloLink } from '@apollo/client';
import { of, switchMap } from 'rxjs';

/** Of how many orders it is remembered which version is the newest seen. */
const REMEMBERED = 2_000;

/** How often a query is asked again when the feed overtakes its answer. */
const TRIES = 3;

/** The newest version seen of each order, those looked at last. */
export class Versions {
  readonly #seen = new Map<string, number>();
  readonly #limit: number;

  constructor(limit = REMEMBERED) {
    this.#limit = limit;
  }

  /** Whether `version` is below what was seen; remembers it when not. */
  isOld(id: string, version: number): boolean {
    const seen = this.#seen.get(id) ?? 0;
    if (version < seen) return true;
    this.#seen.delete(id);
    this.#seen.set(id, version);
    if (this.#seen.size > this.#limit) {
      const [oldest] = this.#seen.keys();
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
    return false;
  }
}

/**
 * Keeps an order from going back in time on the screen. Answers and items take different ways and overtake each other; an
 * order's `version` says which is newer. A feed's item with an old order is marked as `isOld`, for it may tell of an event
 * all the same; a query that is old is asked again; of a mutation's payload the order becomes null, as it may be anyway,
 * and the cache keeps the newer one.
 */
export function newest(versions: Versions): ApolloLink {
  return new ApolloLink((operation, forward) => {
    const attempt = (triesLeft: number): ReturnType<typeof forward> =>
      forward(operation).pipe(
        switchMap((result) => {
          const sifted = sift(result.data, versions);
          if (!sifted.isOld) return of(result);
          if (operation.operationType === 'subscription') {
            return of({ ...result, extensions: { ...result.extensions, isOld: true } });
          }
          if (operation.operationType === 'mutation') return of({ ...result, data: sifted.data });
          return triesLeft > 0 ? attempt(triesLeft - 1) : of(result);
        }),
      );
    return attempt(TRIES);
  });
}

type Data = Record<string, unknown> | null | undefined;

/** Whether `data` has an order that is older than what was seen, and `data` with null instead of each. */
export function sift(data: Data, versions: Versions): { isOld: boolean; data: Data } {
  let isOld = false;
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    if (isOrder(value) && versions.isOld(value.id, value.version)) {
      isOld = true;
      return null;
    }
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, walk(part)]));
  };
  const sifted = data && Object.fromEntries(Object.entries(data).map(([name, part]) => [name, walk(part)]));
  return { isOld, data: sifted };
}

function isOrder(value: object): value is { id: string; version: number } {
  return (
    '__typename' in value &&
    value.__typename === 'Order' &&
    'id' in value &&
    typeof value.id === 'string' &&
    'version' in value &&
    typeof value.version === 'number'
  );
}
