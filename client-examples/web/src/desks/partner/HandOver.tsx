import { type FormEvent, useState } from 'react';
import { useAsk } from '../../api/hooks';
import type { OrderDetailFragment } from '../../gql/graphql';
import { STEP } from '../../order/steps';
import { Button } from '../../ui/Button';
import { Field } from '../../ui/Field';
import { Problems } from '../../ui/states';

/** At the door: the customer's code, or why it did not come to that. */
export function HandOver({ order }: { order: OrderDetailFragment }) {
  const [code, setCode] = useState('');
  const [why, setWhy] = useState('');
  const deliver = useAsk(STEP);
  const fail = useAsk(STEP);
  const isBusy = deliver.isBusy || fail.isBusy;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void deliver.ask((idempotencyKey) => ({
      input: { idempotencyKey, orderId: order.id, status: 'DELIVERED', deliveryCode: code.trim() },
    }));
  };
  return (
    <>
      <form onSubmit={submit} className="line">
        <Field label="Code of the customer">
          {(id) => (
            <input
              id={id}
              value={code}
              inputMode="numeric"
              autoComplete="off"
              maxLength={12}
              required
              onChange={(event) => setCode(event.target.value)}
            />
          )}
        </Field>
        <Button type="submit" className="primary" isBusy={isBusy}>
          Hand over
        </Button>
      </form>
      <Problems problems={deliver.problems} />
      {order.viewerActions.includes('FAIL') && (
        <details>
          <summary>It cannot be delivered</summary>
          <form
            className="line"
            onSubmit={(event) => {
              event.preventDefault();
              void fail.ask((idempotencyKey) => ({
                input: { idempotencyKey, orderId: order.id, status: 'FAILED', note: why.trim() },
              }));
            }}
          >
            <Field label="Why">
              {(id) => (
                <input
                  id={id}
                  value={why}
                  maxLength={500}
                  required
                  onChange={(event) => setWhy(event.target.value)}
                />
              )}
            </Field>
            <Button type="submit" className="danger" isBusy={isBusy}>
              Give up
            </Button>
          </form>
          <Problems problems={fail.problems} />
        </details>
      )}
    </>
  );
}
