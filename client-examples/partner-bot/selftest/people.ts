import { createClient } from 'graphql-ws';
import { randomUUID } from 'node:crypto';
import WebSocket from 'ws';
import { SignInDocument } from '../src/gql/graphql.ts';
import { post, RequestError, type TypedDocument } from '../src/http.ts';
import { login } from '../src/login.ts';
import { towards, type Point } from '../src/map.ts';
import {
  CancelOrderDocument,
  CategoriesDocument,
  CreateProductDocument,
  DeliveryCodeDocument,
  HindsightDocument,
  PlaceOrderDocument,
  RegisterDocument,
  SettleOrderDocument,
  TrackingDocument,
  type RegisterInput,
  type TrackingSubscription,
} from './gql/graphql.ts';
import { PATIENCE_MS } from './process.ts';

/** Of every account that is made here. */
export const PASSWORD = `a bot's ${randomUUID()}`;

interface Person {
  email: string;
  password: string;
  accessToken: string;
}

/** Fails when the server refused. */
function accepted<Answer extends { userErrors: { message: string }[] }>(answer: Answer): Answer {
  if (answer.userErrors.length > 0) throw new Error(answer.userErrors.map(({ message }) => message).join(' '));
  return answer;
}

/** A shop of its own, far from all others, so that the bot sees no order but those that are placed here. */
export class People {
  readonly store: Point = { latitude: Math.random() * 100 - 50, longitude: Math.random() * 340 - 170 };
  readonly #server: string;
  #customer: Person = { email: '', password: PASSWORD, accessToken: '' };
  readonly #admin: Person;
  #productId = '';

  constructor(server: string) {
    this.#server = server;
    this.#admin = { ...login(server, process.env, 'admin@demo.test', 'ADMIN_'), accessToken: '' };
  }

  /** The partner's e-mail address. */
  async arrive(): Promise<string> {
    const seller = await this.#register('seller', { seller: { storeName: 'The store at the end of the world', location: this.store } });
    const partner = await this.#register('partner', { partner: { vehicle: 'BICYCLE' } });
    this.#customer = await this.#register('customer', {});
    const { categories } = await this.#post(CategoriesDocument, {});
    const product = {
      idempotencyKey: randomUUID(),
      sku: randomUUID(),
      name: 'Rusk',
      description: 'Keeps for long.',
      categoryId: categories[0]?.id ?? '',
      price: '40.00',
      initialStock: 100,
    };
    const { createProduct } = await this.#as(seller, CreateProductDocument, { input: product });
    this.#productId = accepted(createProduct).product?.id ?? '';
    return partner.email;
  }

  /** So far from the store. */
  door(distanceKm: number): Point {
    return towards(this.store, { latitude: this.store.latitude + 1, longitude: this.store.longitude }, distanceKm);
  }

  /** Places an order to a door so far from the store; its id. The store packs it at once. */
  async order(distanceKm: number): Promise<string> {
    const { latitude, longitude } = this.door(distanceKm);
    const address = { label: 'Home', line1: '1 Far Road', city: 'Nowhere', postalCode: '560001', country: 'IN' };
    const input = {
      idempotencyKey: randomUUID(),
      items: [{ productId: this.#productId, quantity: 1 }],
      address: { ...address, location: { latitude, longitude } },
      paymentMethod: 'CASH_ON_DELIVERY' as const,
    };
    const { placeOrder } = await this.#as(this.#customer, PlaceOrderDocument, { input });
    return accepted(placeOrder).order?.id ?? '';
  }

  /** What the customer sees on their screen. */
  async code(orderId: string): Promise<string> {
    const { order } = await this.#as(this.#customer, DeliveryCodeDocument, { orderId });
    return order?.deliveryCode ?? '';
  }

  /**
   * Where the customer saw the order on its way, from now on: the list grows. Whether their own token is worn out meanwhile is not what
   * is looked at here, so each connection has a new one.
   */
  track(orderId: string): { seen: readonly Point[]; end: () => void } {
    const seen: Point[] = [];
    const socket = createClient({
      url: new URL('/graphql', this.#server).href.replace(/^http/, 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: async () => {
        const { email, password } = this.#customer;
        const { session } = await this.#post(SignInDocument, { input: { email, password } });
        return { Authorization: `Bearer ${accepted(session).tokens?.accessToken}` };
      },
      retryAttempts: Infinity,
      shouldRetry: () => true,
    });
    const payload = { query: TrackingDocument.toString(), variables: { orderId } };
    const stop = socket.subscribe<TrackingSubscription>(payload, {
      next: ({ data }) => {
        const { order, location } = data?.deliveryTracking ?? {};
        if (order?.status === 'IN_TRANSIT' && location && !location.isStale) seen.push(location.point);
      },
      error: (error) => console.error('tracking:', error),
      complete: () => {},
    });
    const end = () => {
      stop();
      void socket.dispose();
    };
    return { seen, end };
  }

  async hindsight(orderId: string) {
    const { order } = await this.#as(this.#customer, HindsightDocument, { orderId });
    return { status: order?.status, timeline: order?.timeline.nodes ?? [] };
  }

  /** An admin calls an order off: nobody else may once a partner has it. */
  async cancel(orderId: string): Promise<void> {
    const input = { orderId, idempotencyKey: randomUUID(), reason: 'it fell off the shelf' };
    accepted((await this.#as(this.#admin, CancelOrderDocument, { input })).cancelOrder);
  }

  /** An admin knows how else that an order got there, and needs no code. */
  async settle(orderId: string): Promise<void> {
    const input = { orderId, idempotencyKey: randomUUID(), status: 'DELIVERED' as const, note: 'the neighbour took it' };
    accepted((await this.#as(this.#admin, SettleOrderDocument, { input })).updateOrderStatus);
  }

  /** Signs in again when the token is worn out, as it is when the server's are short-lived. */
  async #as<Result, Variables>(person: Person, document: TypedDocument<Result, Variables>, variables: Variables): Promise<Result> {
    try {
      return await this.#post(document, variables, person.accessToken || 'none yet');
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== 'INVALID_TOKEN') throw error;
      const { email, password } = person;
      const { session } = await this.#post(SignInDocument, { input: { email, password } });
      person.accessToken = accepted(session).tokens?.accessToken ?? '';
      return this.#post(document, variables, person.accessToken);
    }
  }

  /** With the patience of a test, since the machine may be busy with others. */
  #post<Result, Variables>(document: TypedDocument<Result, Variables>, variables: Variables, accessToken?: string): Promise<Result> {
    return post(this.#server, document, variables, accessToken, PATIENCE_MS);
  }

  async #register(who: string, as: Pick<RegisterInput, 'partner' | 'seller'>): Promise<Person> {
    const email = `${who}-${randomUUID()}@bot.test`;
    const input = { email, password: PASSWORD, name: `A ${who}`, ...as };
    const { register } = await this.#post(RegisterDocument, { input });
    return { email, password: PASSWORD, accessToken: accepted(register).tokens?.accessToken ?? '' };
  }
}
