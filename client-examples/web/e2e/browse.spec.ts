import { expect } from '@playwright/test';
import { signIn, test } from './support/shop';

test('the shop shows a category, in the order that is asked for, and on demand only what can be had', async ({
  browser,
  shop,
}) => {
  const page = await signIn(browser, shop.site, 'customer');
  const products = page.getByTestId('product');
  const names = products.getByRole('heading');
  const sort = page.getByLabel('Sort');
  await page.getByLabel('Category').selectOption({ label: 'Ice Cream & Frozen' });
  await expect(page.getByText('7 found')).toBeVisible();
  await expect(products).toHaveCount(7);

  const byPrice = [
    'Kulfi Stick 60 ml',
    'Frozen Green Peas 500 g',
    'Malabar Parotta 5 pieces',
    'French Fries 420 g',
    'Veg Momos 24 pieces',
    'Vanilla Ice Cream 700 ml',
    'Belgian Chocolate Tub 500 ml',
  ];
  await sort.selectOption({ label: 'Cheapest first' });
  await expect(names).toHaveText(byPrice);
  await sort.selectOption({ label: 'Dearest first' });
  await expect(names).toHaveText(byPrice.toReversed());
  await sort.selectOption({ label: 'By name' });
  await expect(names).toHaveText(byPrice.toSorted());

  const tub = products.filter({ hasText: 'Belgian Chocolate Tub' });
  await expect(tub).toContainText('Sold out');
  await page.getByLabel('In stock only').check();
  await expect(tub).toHaveCount(0);
  await expect(products).toHaveCount(6);

  // What fits best comes first when one searches, and nothing else can be chosen.
  await page.getByLabel('Search').fill('ice cream');
  await expect(sort).toBeDisabled();
  await expect(sort.getByRole('option', { selected: true })).toHaveText('Best match');
  await expect(products.filter({ hasText: 'Vanilla Ice Cream' })).toBeVisible();
  await expect(tub).toHaveCount(0);
  await page.getByLabel('Search').fill('');
  await expect(sort).toBeEnabled();
  await expect(names).toHaveText(byPrice.slice(0, 6).toSorted());
  await page.context().close();
});
