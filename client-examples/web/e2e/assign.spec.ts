import { expect } from '@playwright/test';
import { tryAgain } from './support/again';
import { Device } from './support/api';
import { orderOne } from './support/orders';
import { signIn, test } from './support/shop';

const SET_AVAILABILITY = `mutation ($input: SetAvailabilityInput!) {
  result: setAvailability(input: $input) { userErrors { message } }
}`;

test('an admin who wants to assign is told that nobody is online, and when somebody is', async ({
  browser,
  ownShop: { server, site },
}) => {
  const partners = await Promise.all(['partner', 'partner2'].map((who) => Device.signIn(server.url, who)));
  const [ravi, sita] = partners;
  for (const partner of partners) await partner.ask(SET_AVAILABILITY, { available: false });
  const { number } = await orderOne(server.url, 'FV-002');
  const admin = await signIn(browser, site, 'admin');
  const row = admin.getByTestId('orders').getByRole('row').filter({ hasText: number });

  // What fails for good is said, and can be asked for again.
  await admin.route('**/graphql', async (route) => {
    if (!route.request().postData()?.includes('"operationName":"AvailablePartners"')) return route.fallback();
    const error = { message: 'Not now.', extensions: { code: 'INTERNAL', retryable: false } };
    await route.fulfill({ json: { errors: [error] } });
  });
  await row.getByRole('button', { name: /^Assign/ }).click();
  await expect(row.getByRole('alert')).toContainText('Not now.');
  await admin.unroute('**/graphql');
  await tryAgain(row);

  await expect(row.getByText('Nobody is online just now.')).toBeVisible();
  await sita?.ask(SET_AVAILABILITY, { available: true });
  const choice = row.getByLabel(`Partner for ${number}`);
  await expect(choice).toBeVisible();
  // Whoever waited for it has gone on to something else.
  await expect(choice).not.toBeFocused();
  await choice.selectOption({ label: 'Sita Scooter (0/2)' });
  await ravi?.ask(SET_AVAILABILITY, { available: true });
  await expect(choice.getByRole('option', { name: /^Ravi Rider/ })).toBeAttached();
  await expect(choice.locator('option:checked')).toHaveText('Sita Scooter (0/2)');
  // Whom one has chosen may go, and is chosen no more.
  await sita?.ask(SET_AVAILABILITY, { available: false });
  await expect(choice.locator('option:checked')).toHaveText('Partner…');
  await expect(row.getByRole('button', { name: 'Give' })).toBeDisabled();
  await admin.context().close();
});
