import type { Stripe, StripeElements, StripePaymentElement } from '@stripe/stripe-js';
// Of the two entrances this is the one that loads nothing before it is asked to.
import { loadStripe } from '@stripe/stripe-js/pure';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Button } from '../../ui/Button';
import { Failure, Loading } from '../../ui/states';

interface Form {
  stripe: Stripe;
  elements: StripeElements;
}

const NOT_THERE = 'Stripe’s form cannot be had just now. Try again.';

/**
 * Stripe's Payment Element, which Stripe's own script draws in frames of its own: no card's number comes near this page. What
 * became of the payment Stripe tells the server, and the order's subscription tells this page.
 */
export function StripeForm({
  publishableKey,
  clientSecret,
  lastFailed,
}: {
  publishableKey: string;
  clientSecret: string;
  /** The payment of the order that failed last, if one did. */
  lastFailed: string | undefined;
}) {
  const place = useRef<HTMLDivElement>(null);
  const [form, setForm] = useState<Form | null>(null);
  const [stage, setStage] = useState<'open' | 'sending' | 'sent'>('open');
  const [failedBefore, setFailedBefore] = useState(lastFailed);
  const [error, setError] = useState<string | null>(null);
  const [round, setRound] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `round` begins it anew
  useEffect(() => {
    let isWanted = true;
    let element: StripePaymentElement | undefined;
    const open = async () => {
      const stripe = await loadStripe(publishableKey);
      if (!isWanted || !stripe || !place.current) return;
      const isDark = matchMedia('(prefers-color-scheme: dark)').matches;
      const elements = stripe.elements({ clientSecret, appearance: { theme: isDark ? 'night' : 'stripe' } });
      element = elements.create('payment');
      element.on('ready', () => isWanted && setForm({ stripe, elements }));
      element.on('loaderror', () => isWanted && setError(NOT_THERE));
      element.mount(place.current);
    };
    open().catch(() => isWanted && setError(NOT_THERE));
    return () => {
      isWanted = false;
      element?.destroy();
      setForm(null);
    };
  }, [publishableKey, clientSecret, round]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!form) return;
    setError(null);
    setFailedBefore(lastFailed);
    setStage('sending');
    const result = await form.stripe
      .confirmPayment({
        elements: form.elements,
        // Banks that ask on a page of their own send people back to this order.
        confirmParams: { return_url: location.href },
        redirect: 'if_required',
      })
      .catch(() => ({ error: { message: 'Stripe cannot be reached just now. Try again.' } }));
    setStage(result.error ? 'open' : 'sent');
    if (result.error) setError(result.error.message ?? 'The payment was declined.');
  };

  // What Stripe has taken may fail all the same, with some ways to pay days later: then it can be tried again.
  const isSent = stage === 'sent' && lastFailed === failedBefore;

  return (
    <form onSubmit={(event) => void submit(event)} aria-busy={stage === 'sending'}>
      {!form && !error && <Loading what="Opening Stripe’s form" />}
      <div ref={place} className="stripe" />
      {error && (
        <Failure
          error={error}
          {...(!form && {
            onRetry: () => {
              setError(null);
              setRound((now) => now + 1);
            },
          })}
        />
      )}
      {isSent && <p role="status">Stripe has it. The order goes on as soon as Stripe says so.</p>}
      {form && !isSent && (
        <Button type="submit" className="primary" isBusy={stage === 'sending'}>
          {stage === 'sending' ? 'Paying…' : 'Pay'}
        </Button>
      )}
    </form>
  );
}
