import { type FormEvent, useState } from 'react';
import { useAsk } from '../../api/hooks';
import { graphql } from '../../gql';
import type { OrderDetailFragment } from '../../gql/graphql';
import { Button } from '../../ui/Button';
import { Field } from '../../ui/Field';
import { Problems } from '../../ui/states';

const RATE = graphql(`
  mutation RateOrder($input: RateOrderInput!) {
    result: rateOrder(input: $input) {
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

const SCORES = [1, 2, 3, 4, 5];

export function Rate({ order }: { order: OrderDetailFragment }) {
  const [score, setScore] = useState(0);
  const [comment, setComment] = useState('');
  const rate = useAsk(RATE);
  if (order.rating) {
    return (
      <section className="card" aria-labelledby="rating">
        <h2 id="rating">Your rating</h2>
        <p data-testid="rating">
          {order.rating.score} of 5{order.rating.comment && `: “${order.rating.comment}”`}
        </p>
      </section>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void rate.ask(() => ({
      input: { orderId: order.id, score, ...(comment.trim() && { comment: comment.trim() }) },
    }));
  };
  return (
    <form className="card" aria-labelledby="rating" onSubmit={submit}>
      <h2 id="rating">How was it?</h2>
      <fieldset className="stars">
        <legend>Stars</legend>
        {SCORES.map((value) => (
          <label key={value}>
            <input type="radio" name="score" checked={score === value} onChange={() => setScore(value)} />
            {value} ★
          </label>
        ))}
      </fieldset>
      <Field label="Anything to add?">
        {(id) => (
          <input
            id={id}
            value={comment}
            maxLength={500}
            onChange={(event) => setComment(event.target.value)}
          />
        )}
      </Field>
      <Problems problems={rate.problems} />
      <Button type="submit" className="primary" isBusy={rate.isBusy} disabled={score === 0}>
        Rate
      </Button>
    </form>
  );
}
