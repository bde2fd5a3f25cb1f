import { useState } from 'react';
import { useAsk } from '../../api/hooks';
import { inTime } from '../../api/inTime';
import { graphql } from '../../gql';
import type { OrderDetailFragment } from '../../gql/graphql';
import { money, words } from '../../lib/format';
import { settings } from '../../lib/settings';
import { Button } from '../../ui/Button';
import { Failure, Problems } from '../../ui/states';
import { StripeForm } from './StripeForm';

const START = graphql(`
  mutation StartPayment($input: StartPaymentInput!) {
    result: startPayment(input: $input) {
      payment {
        id
        provider
        clientSecret
      }
      userErrors {
        ...Problem
      }
    }
  }
`);

type Outcome = 'succeed' | 'decline';

const send = inTime();

/** What is to be done about a payment that was begun. */
type Begun =
  | { by: 'sandbox' }
  | { by: 'stripe'; publishableKey: string; clientSecret: string }
  | { by: 'nobody'; provider: string };

/**
 * Paying: by the provider's own form, or by the sandbox, which takes the place of one. What became of it the provider tells
 * the server by a webhook, and the order's subscription tells this page.
 */
export function Pay({ order }: { order: OrderDetailFragment }) {
  const start = useAsk(START);
  const [begun, setBegun] = useState<Begun | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const failed = order.payments.findLast(({ failureReason }) => failureReason);

  const act = async (what: () => Promise<void>) => {
    setError(null);
    setBusy(true);
    try {
      await what();
    } catch {
      setError('The payment could not be made. Try again.');
    } finally {
      setBusy(false);
    }
  };
  // Of an order that is being paid this is the same payment again.
  const begin = async () => {
    const result = await start.ask((idempotencyKey) => ({ input: { idempotencyKey, orderId: order.id } }));
    return result?.payment ?? null;
  };
  const open = () =>
    act(async () => {
      const payment = await begin();
      if (payment) setBegun(await howToPay(payment));
    });
  const playAs = (outcome: Outcome) =>
    act(async () => {
      const payment = await begin();
      if (payment?.clientSecret) await play(payment.clientSecret, outcome);
    });

  return (
    <section className="card pay" aria-labelledby="pay">
      <h2 id="pay">Pay {money(order.total)}</h2>
      <p>The goods are kept for you for some minutes.</p>
      {failed && <p className="warning">The last try failed: {failed.failureReason}</p>}
      {begun === null && (
        <Button className="primary" isBusy={isBusy} onClick={() => void open()}>
          Go on to pay
        </Button>
      )}
      {begun?.by === 'sandbox' && (
        <>
          <p>This is a sandbox: nobody is charged.</p>
          <div className="steps">
            <Button className="primary" isBusy={isBusy} onClick={() => void playAs('succeed')}>
              Pay
            </Button>
            <Button isBusy={isBusy} onClick={() => void playAs('decline')}>
              Have it declined
            </Button>
          </div>
        </>
      )}
      {begun?.by === 'stripe' && (
        <StripeForm
          publishableKey={begun.publishableKey}
          clientSecret={begun.clientSecret}
          lastFailed={failed?.id}
        />
      )}
      {begun?.by === 'nobody' && (
        <p className="warning" role="alert">
          This shop is paid through {words(begun.provider)}, whose form is not set up here.
        </p>
      )}
      {error && <Failure error={error} />}
      <Problems problems={start.problems} />
    </section>
  );
}

async function howToPay({
  provider,
  clientSecret,
}: {
  provider: string;
  clientSecret: string | null;
}): Promise<Begun> {
  if (provider === 'sandbox' && clientSecret) return { by: 'sandbox' };
  const publishableKey = provider === 'stripe' ? (await settings()).stripePublishableKey : '';
  return publishableKey && clientSecret
    ? { by: 'stripe', publishableKey, clientSecret }
    : { by: 'nobody', provider };
}

async function play(clientSecret: string, outcome: Outcome): Promise<void> {
  const reply = await send(`/sandbox/payments/${encodeURIComponent(clientSecret)}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ outcome }),
  });
  if (!reply.ok) throw new Error(`the sandbox answered ${reply.status}`);
}
