import { useApolloClient } from '@apollo/client/react';
import { type FormEvent, useState } from 'react';
import { useNavigate } from 'react-router';
import { type useAsk, useLoad } from '../../api/hooks';
import { graphql } from '../../gql';
import type {
  AddressInput,
  CartPartsFragment,
  PaymentMethod,
  PlaceOrderMutation,
  PlaceOrderMutationVariables,
} from '../../gql/graphql';
import { money } from '../../lib/format';
import { Button } from '../../ui/Button';
import { Loaded, Problems } from '../../ui/states';
import { ADDRESS_INPUTS, AddressFields, addressOf } from './AddressFields';
import { CART } from './cart';

const CHECKOUT = graphql(`
  query Checkout {
    paymentMethods
    viewer {
      user {
        id
        addresses {
          id
          label
          line1
          city
          isDefault
        }
      }
    }
  }
`);

export const PLACE = graphql(`
  mutation PlaceOrder($input: PlaceOrderInput!) {
    result: placeOrder(input: $input) {
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

const NEW = 'new';

const METHODS: readonly { method: PaymentMethod; label: string }[] = [
  { method: 'CARD', label: 'By card, now' },
  { method: 'WALLET', label: 'By wallet, now' },
  { method: 'CASH_ON_DELIVERY', label: 'Cash at the door' },
];

/**
 * Where to, and how it is paid. The order takes what is in the cart, at the total that is shown. `onPlace`: `cart` is asked to
 * become an order, by `place`.
 */
export function Checkout({
  cart,
  place,
  onPlace,
}: {
  cart: CartPartsFragment;
  place: ReturnType<typeof useAsk<PlaceOrderMutation, PlaceOrderMutationVariables>>;
  onPlace: () => void;
}) {
  const query = useLoad(CHECKOUT, {});
  const { cache } = useApolloClient();
  const navigate = useNavigate();
  const [chosen, setChosen] = useState<string | null>(null);
  const [note, setNote] = useState('');
  const [preferred, setMethod] = useState<PaymentMethod | null>(null);
  const isBlocked = cart.problems.some(({ kind }) => kind !== 'PRICE_CHANGED');

  const submit = async (
    event: FormEvent<HTMLFormElement>,
    where: { addressId: string } | { address: AddressInput },
    paymentMethod: PaymentMethod,
  ) => {
    event.preventDefault();
    onPlace();
    const result = await place.ask((idempotencyKey) => ({
      input: {
        idempotencyKey,
        ...where,
        paymentMethod,
        expectedTotal: cart.total.amount,
        ...(note.trim() && { note: note.trim() }),
      },
    }));
    if (!result?.order) return;
    // What was ordered is in the cart no more.
    cache.updateQuery({ query: CART }, (data) =>
      data?.viewer
        ? { viewer: { ...data.viewer, cart: { ...data.viewer.cart, lines: [], problems: [] } } }
        : undefined,
    );
    await navigate(`/orders/${result.order.id}`);
  };

  return (
    <Loaded query={query} what="checkout">
      {({ viewer, paymentMethods }) => {
        const methods = METHODS.filter(({ method }) => paymentMethods.includes(method));
        const paymentMethod = preferred ?? methods[0]?.method ?? 'CASH_ON_DELIVERY';
        const addresses = viewer?.user.addresses ?? [];
        const address = chosen ?? addresses.find(({ isDefault }) => isDefault)?.id ?? addresses[0]?.id ?? NEW;
        return (
          <form
            className="card"
            aria-labelledby="checkout"
            onSubmit={(event) =>
              void submit(
                event,
                address === NEW
                  ? { address: addressOf(new FormData(event.currentTarget)) }
                  : { addressId: address },
                paymentMethod,
              )
            }
          >
            <h2 id="checkout">Checkout</h2>
            <fieldset>
              <legend>Deliver to</legend>
              {addresses.map(({ id, label, line1, city }) => (
                <label key={id} className="check">
                  <input type="radio" name="to" checked={address === id} onChange={() => setChosen(id)} />{' '}
                  {label}: {line1}, {city}
                </label>
              ))}
              <label className="check">
                <input type="radio" name="to" checked={address === NEW} onChange={() => setChosen(NEW)} />{' '}
                Somewhere else
              </label>
              {address === NEW && <AddressFields problems={place.problems} />}
            </fieldset>
            <fieldset>
              <legend>Pay</legend>
              {methods.map(({ method, label }) => (
                <label key={method} className="check">
                  <input
                    type="radio"
                    name="method"
                    checked={paymentMethod === method}
                    onChange={() => setMethod(method)}
                  />{' '}
                  {label}
                </label>
              ))}
            </fieldset>
            <label className="field">
              Note for the store
              <input value={note} maxLength={500} onChange={(event) => setNote(event.target.value)} />
            </label>
            <Problems problems={place.problems} beside={address === NEW ? ADDRESS_INPUTS : []} />
            {place.isUnknown && (
              <p className="warning">
                Whether this was ordered is not known. Press again to learn it: it is ordered once.
              </p>
            )}
            <Button type="submit" className="primary" isBusy={place.isBusy} disabled={isBlocked}>
              Order for {money(cart.total)}
            </Button>
            {isBlocked && <small>Mend what has changed in the cart first.</small>}
          </form>
        );
      }}
    </Loaded>
  );
}
