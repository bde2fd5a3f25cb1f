import { expect } from '@playwright/test';
import { Device } from './support/api';
import { change, productOf, putInCart, recount } from './support/goods';
import { orderBesides } from './support/orders';
import { open, signIn, test } from './support/shop';

const CREATE = `mutation ($input: CreatePromoInput!) {
  result: createPromo(input: $input) { userErrors { message } }
}`;

/** More than one piece of each: one fewer is not none. */
const PIECES = 2;

test('whatever goes wrong with a cart is mended on its page, and it can be ordered after that', async ({
  browser,
  ownShop: {
    server: { url },
    site,
  },
}) => {
  for (const sku of ['BK-001', 'BK-002', 'BK-003', 'BK-005', 'BK-007'])
    await putInCart(url, 'customer', sku, PIECES);
  const page = await signIn(browser, site, 'customer');
  await open(page, 'Cart');
  const lines = page.getByRole('listitem').filter({ has: page.getByRole('button', { name: /^One more/ }) });
  const problems = page.getByTestId('cart-problems');
  const order = page.getByRole('button', { name: /^Order for/ });
  await expect(lines).toHaveCount(5);
  await expect(order).toBeEnabled();

  const sellOut = async (sku: string) => {
    const { available } = await productOf(url, sku);
    await recount(url, 'seller', sku, -available);
  };
  const takeOff = (sku: string) => change(url, 'seller', sku, { active: false });
  for (const { sku, happen, says, mend } of [
    { sku: 'BK-001', happen: takeOff, says: 'is no longer on sale', mend: /^Remove Whole Wheat/ },
    { sku: 'BK-002', happen: takeOff, says: 'is no longer on sale', mend: /^One Milk Bread.* fewer$/ },
    { sku: 'BK-003', happen: sellOut, says: 'is sold out', mend: /^Remove Pav/ },
    { sku: 'BK-005', happen: sellOut, says: 'is sold out', mend: /^One Butter.* fewer$/ },
  ])
    await test.step(`${sku} ${says}`, async () => {
      const before = await lines.count();
      await happen(sku);
      await expect(problems).toContainText(says);
      await expect(order).toBeDisabled();
      await page.getByRole('button', { name: mend }).click();
      await expect(lines).toHaveCount(before - 1);
      await expect(problems).toBeEmpty();
      await expect(order).toBeEnabled();
    });

  await test.step('another price', async () => {
    await change(url, 'seller', 'BK-007', { price: '77.00' });
    await expect(problems).toContainText('The price of Banana Walnut Cake 250 g has changed.');
    await expect(lines).toContainText('154.00');
    await page.getByRole('button', { name: 'Accept the price of Banana Walnut Cake 250 g' }).click();
    await expect(problems).toBeEmpty();
    await expect(page.getByRole('button', { name: /^Accept/ })).toHaveCount(0);
  });

  await test.step('a promo code that another customer has used up', async () => {
    const full = (await order.textContent()) ?? '';
    const admin = await Device.signIn(url, 'admin');
    await admin.ask(CREATE, { code: 'ONLY-ONE', percentOff: '50', maxUses: 1 });
    await page.getByLabel('Promo code').fill('only-one');
    await page.getByRole('button', { name: 'Apply' }).click();
    await expect(page.getByRole('term').filter({ hasText: 'Discount' })).toBeVisible();
    await expect(order).not.toHaveText(full);

    await orderBesides(url, ['FV-002'], 'CASH_ON_DELIVERY', 'ONLY-ONE');
    await expect(problems).toContainText('This promo code has been used up.');
    await expect(order).toHaveText(full);
    await expect(order).toBeDisabled();
    await page.getByRole('button', { name: 'Take off' }).click();
    await expect(problems).toBeEmpty();
    await expect(page.getByLabel('Promo code')).toBeVisible();
  });

  await page.getByLabel('Cash at the door').check();
  await order.click();
  await expect(page.getByRole('heading', { name: /^QC-/ })).toBeVisible();
  await page.context().close();
});
