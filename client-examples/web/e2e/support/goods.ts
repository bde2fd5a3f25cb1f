import { randomUUID } from 'node:crypto';
import { Device, post } from './api';

export async function productOf(url: string, sku: string): Promise<{ id: string; available: number }> {
  const { product } = await post<{ product: { id: string; available: number } }>(
    url,
    'query ($sku: String!) { product(sku: $sku) { id available } }',
    { sku },
  );
  return product;
}

const SET_LINE = `mutation ($input: SetCartLineInput!) {
  result: setCartLine(input: $input) { userErrors { message } }
}`;

/** So many pieces are in the cart of `who`, put there on a device of theirs; 0: none any more. */
export async function putInCart(url: string, who: string, sku: string, quantity: number): Promise<void> {
  const { id: productId } = await productOf(url, sku);
  const phone = await Device.signIn(url, who);
  await phone.ask(SET_LINE, { productId, quantity });
}

const ADJUST = `mutation ($input: AdjustStockInput!) {
  result: adjustStock(input: $input) { userErrors { message } }
}`;

/** The store of `who` finds that it has so many pieces more than it thought, or fewer. */
export async function recount(url: string, who: string, sku: string, delta: number): Promise<void> {
  const { id: productId } = await productOf(url, sku);
  const phone = await Device.signIn(url, who);
  await phone.ask(ADJUST, { idempotencyKey: randomUUID(), productId, delta, reason: 'ADJUSTED' });
}

const CHANGE = `mutation ($input: UpdateProductInput!) {
  result: updateProduct(input: $input) { userErrors { message } }
}`;

/** The store of `who` changes what it says of a product, or takes it off sale. */
export async function change(
  url: string,
  who: string,
  sku: string,
  to: { price?: string; active?: boolean },
): Promise<void> {
  const { id: productId } = await productOf(url, sku);
  const phone = await Device.signIn(url, who);
  await phone.ask(CHANGE, { productId, ...to });
}
