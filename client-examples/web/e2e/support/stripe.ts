import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from '@playwright/test';

const WEBHOOK_SECRET = 'whsec_of_the_stand_in';

export const PUBLISHABLE_KEY = 'pk_test_of_the_stand_in';

/** The card that is declined. */
export const BAD_CARD = '4000000000000002';
export const GOOD_CARD = '4242424242424242';

/** What Stripe takes without knowing yet whether it will be paid by it. */
export const SLOW_ACCOUNT = '000333333335';

interface Intent {
  id: string;
  client_secret: string;
  amount: number;
  currency: string;
  metadata: { payment_id: string };
}

/** Takes the place of Stripe.js, as far as it is used: a field, and a question to Stripe's API. */
const SCRIPT = `
window.Stripe = (key) => ({
  elements({ clientSecret }) {
    let input;
    return {
      secret: clientSecret,
      card: () => input.value,
      create: () => ({
        on(event, act) { if (event === 'ready') setTimeout(act); },
        mount(place) {
          const label = document.createElement('label');
          input = document.createElement('input');
          label.append('Card number', input);
          place.append(label);
        },
        destroy() { input?.parentElement?.remove(); },
      }),
    };
  },
  async confirmPayment({ elements }) {
    const reply = await fetch('https://api.stripe.com/v1/payment_intents/confirm', {
      method: 'POST',
      body: JSON.stringify({ key, secret: elements.secret, card: elements.card() }),
    });
    return reply.json();
  },
});`;

/** Stands in for Stripe: its API for the server, its script and API for pages, and its webhooks. */
export class Stripe {
  readonly #api: HttpServer;
  readonly #intents = new Map<string, Intent>();
  #processing: Intent | undefined;

  private constructor(api: HttpServer) {
    this.#api = api;
    api.on('request', async (request, reply) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part);
      const form = new URLSearchParams(Buffer.concat(parts).toString());
      const id = `pi_${randomUUID()}`;
      const intent: Intent = {
        id,
        client_secret: `${id}_secret_of_the_stand_in`,
        amount: Number(form.get('amount')),
        currency: form.get('currency') ?? '',
        metadata: { payment_id: form.get('metadata[payment_id]') ?? '' },
      };
      this.#intents.set(intent.client_secret, intent);
      reply.setHeader('Content-Type', 'application/json').end(JSON.stringify(intent));
    });
  }

  static async open(): Promise<Stripe> {
    const api = createServer().listen(0, '127.0.0.1');
    await once(api, 'listening');
    return new Stripe(api);
  }

  /** Settings of a server that is paid through it. */
  get settings(): Record<string, string> {
    return {
      PAYMENT_PROVIDER: 'stripe',
      STRIPE_SECRET_KEY: 'sk_test_of_the_stand_in',
      STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
      STRIPE_API_URL: `http://127.0.0.1:${(this.#api.address() as AddressInfo).port}`,
    };
  }

  /** What `page` asks of Stripe is answered here. Whether it may ask, the browser decides before that. */
  async serve(page: Page, server: { url: string }): Promise<void> {
    await page.route('https://js.stripe.com/**', (route) =>
      route.fulfill({ contentType: 'text/javascript', body: SCRIPT }),
    );
    await page.route('https://api.stripe.com/**', async (route) => {
      const { key, secret, card } = route.request().postDataJSON();
      const intent = this.#intents.get(secret);
      if (!intent || key !== PUBLISHABLE_KEY) throw new Error(`there is no ${secret} of ${key}`);
      const headers = { 'Access-Control-Allow-Origin': '*' };
      if (card === SLOW_ACCOUNT) {
        this.#processing = intent;
        await route.fulfill({ headers, json: { paymentIntent: { status: 'processing' } } });
        return;
      }
      const isGood = card === GOOD_CARD;
      const error = { type: 'card_error', code: 'card_declined', message: 'Your card was declined.' };
      await this.#tell(server.url, isGood ? 'succeeded' : 'payment_failed', {
        ...intent,
        amount_received: isGood ? intent.amount : 0,
        last_payment_error: isGood ? null : error,
      });
      await route.fulfill({
        headers,
        json: isGood ? { paymentIntent: { status: 'succeeded' } } : { error },
      });
    });
  }

  /** Tells the server that what was taken of the account has failed. */
  async fail(server: { url: string }): Promise<void> {
    const error = { type: 'card_error', message: 'Your bank did not pay.' };
    const object = { ...this.#processing, amount_received: 0, last_payment_error: error };
    await this.#tell(server.url, 'payment_failed', object);
  }

  close(): void {
    this.#api.close();
  }

  async #tell(url: string, what: string, object: object): Promise<void> {
    const body = JSON.stringify({
      id: `evt_${randomUUID()}`,
      type: `payment_intent.${what}`,
      data: { object },
    });
    const at = Math.floor(Date.now() / 1000);
    const code = createHmac('sha256', WEBHOOK_SECRET).update(`${at}.${body}`).digest('hex');
    const reply = await fetch(`${url}/webhooks/payments/stripe`, {
      method: 'POST',
      headers: { 'Stripe-Signature': `t=${at},v1=${code}` },
      body,
    });
    if (!reply.ok) throw new Error(`the webhook was answered with ${reply.status}`);
  }
}
