/** Something the story expected did not hold. Told by its message; a stack would only point into the story. */
export class Failure extends Error {
  name = 'Failure';
}

/**
 * @param {boolean} holds
 * @param {string} what the expectation, as a sentence
 * @param {unknown} [seen] what was there instead
 * @returns {asserts holds}
 */
export function expect(holds, what, seen) {
  if (!holds) throw new Failure(`expected: ${what}${seen === undefined ? '' : `; saw: ${JSON.stringify(seen)}`}`);
}

/**
 * A result is nullable in the schema because of `userErrors`; once those are known to be empty it has to be there.
 *
 * @template Value
 * @param {Value | null | undefined} value
 * @param {string} what
 * @returns {Value}
 */
export function present(value, what) {
  if (value === null || value === undefined) throw new Failure(`expected: ${what}; saw nothing`);
  return value;
}
