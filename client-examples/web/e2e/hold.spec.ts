import { expect, type Page } from '@playwright/test';
import { orderOne } from './support/orders';
import { LOOKS, signIn, test } from './support/shop';

// Long enough for it to be seen on a busy machine.
test.use({ settings: { CLAIM_HOLD_SECONDS: '15' } });

test('a hold that runs out is gone by itself, and the order is there for another partner', async ({
  browser,
  ownShop: { server, site },
}) => {
  const { number } = await orderOne(server.url, 'FV-002');
  const [partner, other] = await Promise.all([
    signIn(browser, site, 'partner'),
    signIn(browser, site, 'partner2', LOOKS.partner),
  ]);
  const offerTo = (page: Page) =>
    page.getByTestId('offers').getByRole('listitem').filter({ hasText: number });
  const delivery = partner.getByTestId('delivery').filter({ hasText: number });
  await expect(offerTo(other)).toBeVisible();
  await offerTo(partner)
    .getByRole('button', { name: `Hold ${number}` })
    .click();
  await expect(delivery.getByRole('timer')).toHaveText(/^0:(0\d|1[0-5])$/);
  await expect(delivery.getByRole('button', { name: `Accept ${number}` })).toBeVisible();
  await expect(offerTo(other)).toHaveCount(0);

  // With the card goes the button that would accept it.
  await expect(delivery).toHaveCount(0);
  await expect(partner.getByText('You carry nothing.')).toBeVisible();
  for (const page of [partner, other]) await expect(offerTo(page)).toBeVisible();

  await offerTo(other)
    .getByRole('button', { name: /^Take at once/ })
    .click();
  await expect(other.getByTestId('delivery').getByTestId('status')).toHaveText('Assigned');
  await expect(offerTo(partner)).toHaveCount(0);
  await Promise.all([partner, other].map((page) => page.context().close()));
});
