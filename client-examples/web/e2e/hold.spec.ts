import { expect, type Page } from '@playwright/test';
import { orderOne } from './support/orders';
import { LOOKS, signIn, test } from './support/shop';

// Long enough for it to be seen on a busy machine, and short enough to be waited for.
test.use({ settings: { CLAIM_HOLD_SECONDS: '20' } });

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
  const hold = offerTo(partner).getByRole('button', { name: `Hold ${number}` });
  // All at once, since none of it is there any more when the hold has run out.
  await Promise.all([
    expect(delivery.getByRole('timer')).toHaveText(/^0:([01]\d|20)$/),
    expect(delivery.getByRole('button', { name: `Accept ${number}` })).toBeVisible(),
    expect(offerTo(other)).toHaveCount(0),
    hold.click(),
  ]);

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
