import { expect } from '@playwright/test';
import { pageOf, test } from './support/shop';

test('a link is asked for once, however often one presses Enter, and what is said of it is of the last try', async ({
  browser,
  shop,
}) => {
  const page = await pageOf(browser, shop.site, 'customer');
  await page.goto('/');
  await page.getByText('I forgot my password').click();
  const email = page.getByLabel('Mail the link to');
  // Nobody has that address, which the server does not say, and nobody is mailed a link to somebody's account.
  await email.fill('nobody@demo.test');
  let asked = 0;
  let answer = () => {};
  const isAnswered = new Promise<void>((resolve) => (answer = resolve));
  await page.route('**/graphql', async (route) => {
    asked++;
    await isAnswered;
    return asked > 1 ? route.abort() : route.fallback();
  });
  await email.press('Enter');
  await expect.poll(() => asked).toBe(1);
  await email.press('Enter');
  answer();
  const said = page.getByText('a link is on its way');
  await expect(said).toBeVisible();
  expect(asked).toBe(1);

  await email.press('Enter');
  await expect(page.getByRole('alert')).toContainText('cannot be reached');
  await expect(said).toHaveCount(0);
  await page.context().close();
});
