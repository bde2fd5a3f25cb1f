import { randomUUID } from 'node:crypto';
import { Device, post } from './api';

/** Orders of a second customer, so that the desks are not empty: one for each of these SKUs. */
export async function orderBesides(url: string, skus: readonly string[]): Promise<void> {
  const phone = await Device.signIn(url, 'customer2');
  for (const sku of skus) {
    const { product } = await post<{ product: { id: string } }>(
      url,
      'query ($sku: String!) { product(sku: $sku) { id } }',
      { sku },
    );
    await phone.ask(
      'mutation ($input: PlaceOrderInput!) { result: placeOrder(input: $input) { userErrors { message } } }',
      {
        idempotencyKey: randomUUID(),
        items: [{ productId: product.id, quantity: 1 }],
        address: {
          label: 'Home',
          line1: '221, 80 Feet Road',
          city: 'Bengaluru',
          postalCode: '560034',
          country: 'IN',
          location: { latitude: 12.9634, longitude: 77.6392 },
        },
        paymentMethod: 'CASH_ON_DELIVERY',
      },
    );
  }
}
