import type { OrderStatus } from '../gql/graphql';
import { words } from '../lib/format';

export function Status({ status }: { status: OrderStatus }) {
  return (
    <span className={`status ${status.toLowerCase()}`} data-testid="status">
      {words(status)}
    </span>
  );
}

const WAY: readonly OrderStatus[] = [
  'PENDING',
  'CONFIRMED',
  'PREPARING',
  'READY',
  'ASSIGNED',
  'PICKED_UP',
  'IN_TRANSIT',
  'DELIVERED',
];

/** How far it has come; an order that ended early says so instead. */
export function Way({ status }: { status: OrderStatus }) {
  const at = WAY.indexOf(status);
  if (at === -1) return <p className="way ended">{words(status)}</p>;
  return (
    <ol className="way" aria-label="Progress">
      {WAY.map((step, index) => (
        <li key={step} className={index <= at ? 'done' : ''} aria-current={index === at ? 'step' : undefined}>
          {words(step)}
        </li>
      ))}
    </ol>
  );
}
