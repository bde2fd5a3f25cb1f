import { type FormEvent, useState } from 'react';
import { useAsk } from '../api/hooks';
import { graphql } from '../gql';
import type { OrderDetailFragment } from '../gql/graphql';
import { money } from '../lib/format';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Problems } from '../ui/states';

const REFUND = graphql(`
  mutation RefundPayment($input: RefundPaymentInput!) {
    result: refundPayment(input: $input) {
      order {
        id
        version
        ...OrderDetail
      }
      userErrors {
        ...Problem
      }
    }
  }
`);

/** Money back: some of a payment, or all that is left when no amount is given. */
export function Refund({ order }: { order: OrderDetailFragment }) {
  const [amount, setAmount] = useState('');
  const refund = useAsk(REFUND);
  const payment = order.payments.find(({ status }) => status === 'PAID' || status === 'PARTIALLY_REFUNDED');
  if (!order.viewerActions.includes('REFUND') || !payment) return null;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const input = { paymentId: payment.id, ...(amount && { amount }) };
    if (await refund.ask((idempotencyKey) => ({ input: { ...input, idempotencyKey } })))
      setAmount((now) => (now === amount ? '' : now));
  };
  return (
    <form className="card" aria-labelledby="refund" onSubmit={(event) => void submit(event)}>
      <h2 id="refund">Refund</h2>
      <p>Paid: {money(payment.amount)}</p>
      <div className="line">
        <Field label="Amount" hint="Empty: all that is left" name="amount" problems={refund.problems}>
          {(id, aria) => (
            <input
              id={id}
              {...aria}
              inputMode="decimal"
              pattern="\d+(\.\d+)?"
              value={amount}
              onChange={(event) => setAmount(event.target.value)}
            />
          )}
        </Field>
        <Button type="submit" isBusy={refund.isBusy}>
          Give back
        </Button>
      </div>
      <Problems problems={refund.problems} beside={['amount']} />
    </form>
  );
}
