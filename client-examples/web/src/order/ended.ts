import type { OrderStatus } from '../gql/graphql';

const ENDED: readonly OrderStatus[] = ['DELIVERED', 'CANCELLED', 'FAILED'];

/** Whether nothing is on its way any more. */
export function hasEnded(status: OrderStatus): boolean {
  return ENDED.includes(status);
}
