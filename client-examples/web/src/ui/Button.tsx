import type { ComponentProps } from 'react';

/** A button that does nothing while it `isBusy`, and keeps the focus: one that is disabled would lose it. */
export function Button({
  isBusy,
  onClick,
  type = 'button',
  ...rest
}: ComponentProps<'button'> & { isBusy: boolean }) {
  return (
    <button
      {...rest}
      type={type}
      aria-disabled={isBusy || undefined}
      // Also what Enter does in a form is a click on its button.
      onClick={(event) => (isBusy ? event.preventDefault() : onClick?.(event))}
    />
  );
}
