import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchVisible } from './visible';

/** What the browser does with an element that is watched. */
let screen: { scroll: (isIntersecting: boolean) => void; disconnect: () => void };
/** The page, in front or in the background. */
let page: EventTarget & { visibilityState: string };

beforeEach(() => {
  page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  vi.stubGlobal('document', page);
  vi.stubGlobal(
    'IntersectionObserver',
    class {
      disconnect = vi.fn();
      constructor(notice: (entries: { isIntersecting: boolean }[]) => void) {
        screen = {
          scroll: (isIntersecting) => notice([{ isIntersecting }]),
          disconnect: this.disconnect,
        };
      }
      observe() {}
    },
  );
});

afterEach(() => void vi.unstubAllGlobals());

function turn(state: string) {
  page.visibilityState = state;
  page.dispatchEvent(new Event('visibilitychange'));
}

function watch() {
  const told: boolean[] = [];
  const end = watchVisible({} as Element, (isVisible) => told.push(isVisible));
  return { told, end };
}

it('what is below the fold or hidden is not seen until it comes to the screen', () => {
  const { told } = watch();
  expect(told).toEqual([]);
  screen.scroll(false);
  screen.scroll(true);
  screen.scroll(false);
  expect(told).toEqual([false, true, false]);
});

it('what is on a page in the background is seen once that comes to the front', () => {
  const { told } = watch();
  turn('hidden');
  screen.scroll(true);
  turn('visible');
  expect(told).toEqual([false, false, true]);
});

it('what is taken off the page is not seen any more, and nothing is told behind that', () => {
  const { told, end } = watch();
  screen.scroll(true);
  end();
  turn('visible');
  expect(told).toEqual([true, false]);
  expect(screen.disconnect).toHaveBeenCalledOnce();
});
