import { useLazyQuery } from '@apollo/client/react';
import { useState } from 'react';
import { useAsk } from '../../api/hooks';
import { graphql } from '../../gql';
import { Problems } from '../../ui/states';

/** More than a hundred to choose from are none to choose from. */
const FREE = graphql(`
  query AvailablePartners {
    admin {
      partners(available: true, first: 100) {
        edges {
          cursor
          node {
            id
            name
            partner {
              activeDeliveries
              capacity
            }
          }
        }
      }
    }
  }
`);

const ASSIGN = graphql(`
  mutation AssignOrder($input: AssignOrderInput!) {
    result: assignOrder(input: $input) {
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

/** Gives an order to a partner. Who there is, is asked when somebody wants to know. */
export function Assign({ order }: { order: { id: string; number: string } }) {
  const [load, { data, loading }] = useLazyQuery(FREE, { fetchPolicy: 'network-only' });
  const [partnerId, setPartner] = useState('');
  const assign = useAsk(ASSIGN);
  const give = async () => {
    if (await assign.ask((idempotencyKey) => ({ input: { idempotencyKey, orderId: order.id, partnerId } })))
      setPartner('');
  };
  if (!data) {
    return (
      <button type="button" disabled={loading} onClick={() => void load().catch(() => {})}>
        Assign<span className="unseen"> {order.number}</span>
      </button>
    );
  }
  return (
    <div className="inline">
      <select
        aria-label={`Partner for ${order.number}`}
        value={partnerId}
        onChange={(event) => setPartner(event.target.value)}
      >
        <option value="">Partner…</option>
        {data.admin.partners.edges.map(({ node: { id, name, partner } }) => (
          <option key={id} value={id}>
            {name} ({partner?.activeDeliveries ?? 0}/{partner?.capacity ?? 0})
          </option>
        ))}
      </select>
      <button type="button" disabled={partnerId === '' || assign.isBusy} onClick={() => void give()}>
        Give
      </button>
      <Problems problems={assign.problems} />
    </div>
  );
}
