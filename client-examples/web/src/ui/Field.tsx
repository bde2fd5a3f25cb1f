import { type ReactNode, useId } from 'react';
import type { Trouble } from '../api/hooks';
import { inputOf, Problems } from './states';

/** What a control says of itself, besides its label: to be spread on it. */
interface Description {
  'aria-describedby'?: string;
  'aria-invalid'?: true;
}

/**
 * A control and its label. With the `name` that the API has for the input, it says those of the `problems` that are about it;
 * the form's own list leaves them out (`beside`).
 */
export function Field({
  label,
  hint,
  name,
  problems = [],
  children,
}: {
  label: string;
  hint?: string;
  name?: string;
  problems?: readonly Trouble[];
  children: (id: string, description: Description) => ReactNode;
}) {
  const id = useId();
  const wrong = problems.filter((problem) => name !== undefined && inputOf(problem) === name);
  const hintId = hint && `${id}-hint`;
  const wrongId = wrong.length > 0 ? `${id}-wrong` : undefined;
  const description: Description = {
    ...((hintId || wrongId) && { 'aria-describedby': [hintId, wrongId].filter(Boolean).join(' ') }),
    ...(wrongId && { 'aria-invalid': true }),
  };
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children(id, description)}
      {hint && <small id={hintId}>{hint}</small>}
      <Problems id={wrongId} problems={wrong} />
    </div>
  );
}
