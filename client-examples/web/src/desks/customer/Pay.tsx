import { useState } from 'react';
import { useAsk } from '../../api/hooks';
import { graphql } from '../../gql';
import type { OrderDetailFragment } from '../../gql/graphql';
import { money } from '../../lib/format';
import { Failure, Problems } from '../../ui/states';

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

/**
 * Paying. The sandbox takes the place of a provider's own form: what is chosen here it tells the server by a webhook, and
 * the order's subscription tells this page.
 */
export function Pay({ order }: { order: OrderDetailFragment }) {
  const start = useAsk(START);
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const failed = order.payments.findLast(({ failureReason }) => failureReason)?.failureReason;

  const pay = async (outcome: Outcome) => {
    setError(null);
    const result = await start.ask((idempotencyKey) => ({ input: { idempotencyKey, orderId: order.id } }));
    if (!result?.payment) return;
    const { provider, clientSecret } = result.payment;
    if (provider.toLowerCase() !== 'sandbox' || !clientSecret) {
      setError(
        `Hand the payment’s clientSecret to ${provider}’s own library; this example only brings the sandbox.`,
      );
      return;
    }
    setBusy(true);
    try {
      await play(clientSecret, outcome);
    } catch {
      setError('The payment could not be made. Try again.');
    } finally {
      setBusy(false);
    }
  };

  return (
    <section className="card pay" aria-labelledby="pay">
      <h2 id="pay">Pay {money(order.total)}</h2>
      <p>This is a sandbox: nobody is charged. The goods are kept for you for some minutes.</p>
      {failed && <p className="warning">The last try failed: {failed}</p>}
      <div className="steps">
        <button
          type="button"
          className="primary"
          disabled={isBusy || start.isBusy}
          onClick={() => void pay('succeed')}
        >
          Pay
        </button>
        <button type="button" disabled={isBusy || start.isBusy} onClick={() => void pay('decline')}>
          Have it declined
        </button>
      </div>
      {error && <Failure error={error} />}
      <Problems problems={start.problems} />
    </section>
  );
}

async function play(clientSecret: string, outcome: Outcome): Promise<void> {
  const reply = await fetch(`/sandbox/payments/${encodeURIComponent(clientSecret)}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ outcome }),
  });
  if (!reply.ok) throw new Error(`the sandbox answered ${reply.status}`);
}
