import { expect, type Locator, type Page } from '@playwright/test';

/** How long is waited before one looks again. */
const MOMENT = { timeout: 2_000 };

/**
 * Presses "Try again" until nothing there says any more that it failed. What has failed may mend itself before that: what a feed
 * tells has things asked for anew.
 */
export async function tryAgain(place: Page | Locator): Promise<void> {
  const button = place.getByRole('button', { name: 'Try again' });
  await expect(async () => {
    if (await button.isVisible()) await button.click(MOMENT);
    await expect(place.getByRole('alert')).toHaveCount(0, MOMENT);
  }).toPass();
}
