import { ApolloLink } from '@apollo/client';
import { of, switchMap } from 'rxjs';

/** Of how many orders and carts it is remembered which version is the newest seen. */
const REMEMBERED = 2_000;

/** How often a query is asked again when the feed overtakes its answer. */
const TRIES = 3;

/** The newest version seen of each order and of the cart, those looked at last. */
export class Versions {
  readonly #seen = new Map<string, number>();
  readonly #limit: number;

  constructor(limit = REMEMBERED) {
    this.#limit = limit;
  }

  /** Whether `version` is below what was seen; remembers it when not. */
  isOld(id: string, version: number): boolean {
    if (version < (this.#seen.get(id) ?? 0)) return true;
    this.take(id, version);
    return false;
  }

  /** Remembers `version`, whatever was seen. */
  take(id: string, version: number): void {
    this.#seen.delete(id);
    this.#seen.set(id, version);
    if (this.#seen.size > this.#limit) {
      const [oldest] = this.#seen.keys();
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
  }
}

/**
 * Keeps an order, and the cart, from going back in time on the screen. Answers and items take different ways and overtake each
 * other; the `version` says which is newer. A feed's item with an old one is marked as `isOld`, for it may tell of an event
 * all the same; a query that is old is asked again; of a mutation's payload the old one becomes null, as it may be anyway,
 * and the cache keeps the newer.
 */
export function newest(versions: Versions): ApolloLink {
  return new ApolloLink((operation, forward) => {
    const attempt = (triesLeft: number): ReturnType<typeof forward> =>
      forward(operation).pipe(
        switchMap((result) => {
          const sifted = sift(result.data, versions);
          if (sifted.old.length === 0) return of(result);
          if (operation.operationType === 'subscription') {
            return of({ ...result, extensions: { ...result.extensions, isOld: true } });
          }
          if (operation.operationType === 'mutation') return of({ ...result, data: sifted.data });
          if (triesLeft > 0) return attempt(triesLeft - 1);
          // It is no answer that was overtaken, but so on the server: a backup has been restored there.
          for (const { id, version } of sifted.old) versions.take(id, version);
          return of(result);
        }),
      );
    return attempt(TRIES);
  });
}

type Data = Record<string, unknown> | null | undefined;

interface Counted {
  id: string;
  version: number;
}

/** What `data` has that is older than what was seen, and `data` with null instead of each. */
export function sift(data: Data, versions: Versions): { old: Counted[]; data: Data } {
  const old: Counted[] = [];
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    if (isCounted(value) && versions.isOld(value.id, value.version)) {
      old.push({ id: value.id, version: value.version });
      return null;
    }
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, walk(part)]));
  };
  const sifted = data && Object.fromEntries(Object.entries(data).map(([name, part]) => [name, walk(part)]));
  return { old, data: sifted };
}

/** Types whose `version` counts their changes. */
const COUNTED: readonly unknown[] = ['Order', 'Cart'];

function isCounted(value: object): value is Counted {
  return (
    '__typename' in value &&
    COUNTED.includes(value.__typename) &&
    'id' in value &&
    typeof value.id === 'string' &&
    'version' in value &&
    typeof value.version === 'number'
  );
}
