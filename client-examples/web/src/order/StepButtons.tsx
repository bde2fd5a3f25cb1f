import { useAsk } from '../api/hooks';
import type { OrderAction, OrderStatus } from '../gql/graphql';
import { Button } from '../ui/Button';
import { Problems } from '../ui/states';
import { usePassOn } from '../ui/usePassOn';
import { CANCEL, STEP, STEPS } from './steps';

/** The steps that the viewer may take now, as buttons. */
export function StepButtons({
  order,
}: {
  order: {
    id: string;
    number: string;
    version: number;
    status: OrderStatus;
    viewerActions: readonly OrderAction[];
  };
}) {
  const step = useAsk(STEP);
  const cancel = useAsk(CANCEL);
  const isBusy = step.isBusy || cancel.isBusy;
  const { group, passOn } = usePassOn<HTMLDivElement>();
  return (
    <div ref={group} className="steps" tabIndex={-1}>
      {order.viewerActions.map((action) => {
        const way = STEPS[action];
        if (!way) return null;
        const input = { orderId: order.id, status: way.status, expectedVersion: order.version };
        return (
          <Button
            key={action}
            ref={passOn}
            className="primary"
            isBusy={isBusy}
            onClick={() => void step.ask((idempotencyKey) => ({ input: { ...input, idempotencyKey } }))}
          >
            {/* What is with a partner and becomes ready again is taken from them. */}
            {order.status === 'ASSIGNED' && action === 'MARK_READY' ? 'Offer again' : way.label}
            <span className="unseen">, {order.number}</span>
          </Button>
        );
      })}
      {order.viewerActions.includes('CANCEL') && (
        <Button
          ref={passOn}
          className="danger"
          isBusy={isBusy}
          onClick={() => {
            if (!confirm(`Cancel ${order.number}?`)) return;
            void cancel.ask((idempotencyKey) => ({ input: { idempotencyKey, orderId: order.id } }));
          }}
        >
          Cancel<span className="unseen"> {order.number}</span>
        </Button>
      )}
      <Problems problems={[...step.problems, ...cancel.problems]} />
    </div>
  );
}
