import { useCallback, useRef } from 'react';

/**
 * For a group whose buttons come and go: when the one that has the focus goes, the focus goes on to the first primary one that
 * is there then, or else to the group itself, which has `tabIndex={-1}`. Otherwise it would fall back to the top of the page.
 */
export function usePassOn<Group extends HTMLElement>() {
  const group = useRef<Group>(null);
  // React calls what a ref returns just before the element leaves the page.
  const passOn = useCallback(
    (button: HTMLButtonElement | null) => () => {
      if (button !== document.activeElement) return;
      // By then all of the change is on the page.
      queueMicrotask(() => {
        const next = group.current?.querySelector<HTMLElement>('.primary') ?? group.current;
        next?.focus({ preventScroll: true });
      });
    },
    [],
  );
  return { group, passOn };
}
