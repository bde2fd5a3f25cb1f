import { useCallback, useEffect, useRef, useState } from 'react';
import { useAsk, useFeed, useLoad } from '../../api/hooks';
import { graphql } from '../../gql';
import { Button } from '../../ui/Button';
import { refresh } from '../../ui/reload';
import { Empty, Loaded, Problems, Stopped } from '../../ui/states';
import { useSoon } from '../../ui/useSoon';
import { ADMIN_UPDATES } from './updates';

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

interface Assigned {
  order: { id: string; number: string };
}

/** Gives an order to a partner. Who there is, is asked when somebody wants to know. */
export function Assign({ order }: Assigned) {
  const [isOpen, setOpen] = useState(false);
  if (isOpen) return <Choice order={order} />;
  return (
    <button type="button" onClick={() => setOpen(true)}>
      Assign<span className="unseen"> {order.number}</span>
    </button>
  );
}

/**
 * Where only those that wait for a partner are listed, the row goes once its order is given. The focus then goes to what is
 * around it, and not to the button of another row.
 */
const passOut = (choice: HTMLElement | null) => () => {
  if (!choice?.contains(document.activeElement)) return;
  const around = [choice.closest<HTMLElement>('[tabindex]'), choice.closest('main')];
  // By then all of the change is on the page.
  queueMicrotask(() => around.find((place) => place?.isConnected)?.focus({ preventScroll: true }));
};

function Choice({ order }: Assigned) {
  const query = useLoad(FREE, {});
  const [wanted, setWanted] = useState('');
  const assign = useAsk(ASSIGN);
  const refreshSoon = useSoon(() => void refresh(query));
  // Who is online is theirs to change, and what they carry changes with every order.
  const feed = useFeed(ADMIN_UPDATES, {}, { onItem: refreshSoon });
  // It takes the place of the button that had the focus, once: when the first answer is there. Whoever has gone on to something
  // else meanwhile is left there, and a list that comes back later takes nothing.
  const isDue = useRef(true);
  const takeFocus = useCallback((select: HTMLSelectElement | null) => {
    if (isDue.current && document.activeElement === document.body) select?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    if (!query.loading) isDue.current = false;
  }, [query.loading]);
  const give = async (partnerId: string) => {
    if (await assign.ask((idempotencyKey) => ({ input: { idempotencyKey, orderId: order.id, partnerId } })))
      setWanted('');
  };
  return (
    <>
      <Stopped feed={feed} />
      <Loaded query={query} what="who is online">
        {({ admin: { partners } }) => {
          if (partners.edges.length === 0) return <Empty>Nobody is online just now.</Empty>;
          // Whoever was wanted may have gone.
          const partnerId = partners.edges.some(({ node }) => node.id === wanted) ? wanted : '';
          return (
            <div ref={passOut} className="inline">
              <select
                ref={takeFocus}
                aria-label={`Partner for ${order.number}`}
                value={partnerId}
                onChange={(event) => setWanted(event.target.value)}
              >
                <option value="">Partner…</option>
                {partners.edges.map(({ node: { id, name, partner } }) => (
                  <option key={id} value={id}>
                    {name} ({partner?.activeDeliveries ?? 0}/{partner?.capacity ?? 0})
                  </option>
                ))}
              </select>
              {/* Not disabled while nobody is chosen, as after it was pressed: it would lose the focus. */}
              <Button isBusy={assign.isBusy || partnerId === ''} onClick={() => void give(partnerId)}>
                Give
              </Button>
            </div>
          );
        }}
      </Loaded>
      <Problems problems={assign.problems} />
    </>
  );
}
