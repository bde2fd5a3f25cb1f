/**
 * Tells whether people can see `element`: it is on the screen, not scrolled away nor hidden, on a page that is not in the
 * background. What is returned ends it.
 */
export function watchVisible(element: Element, tell: (isVisible: boolean) => void): () => void {
  let isOnScreen = false;
  const look = () => tell(isOnScreen && document.visibilityState === 'visible');
  const observer = new IntersectionObserver((entries) => {
    isOnScreen = entries.at(-1)?.isIntersecting ?? isOnScreen;
    look();
  });
  observer.observe(element);
  document.addEventListener('visibilitychange', look);
  return () => {
    observer.disconnect();
    document.removeEventListener('visibilitychange', look);
    tell(false);
  };
}
