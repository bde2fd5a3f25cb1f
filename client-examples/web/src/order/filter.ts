import type { OrderStatus } from '../gql/graphql';

export interface OrderGroup {
  name: string;
  /** Empty: every status. */
  status: readonly OrderStatus[];
}

export const GROUPS: readonly [OrderGroup, ...OrderGroup[]] = [
  { name: 'All', status: [] },
  { name: 'To pack', status: ['CONFIRMED', 'PREPARING'] },
  { name: 'Waiting for a partner', status: ['READY'] },
  { name: 'On the way', status: ['ASSIGNED', 'PICKED_UP', 'IN_TRANSIT'] },
  { name: 'Delivered', status: ['DELIVERED'] },
  { name: 'Called off', status: ['CANCELLED', 'FAILED'] },
];

/** As the server is asked for it. */
export function filterOf({ status }: OrderGroup): { status?: OrderStatus[] } {
  return status.length > 0 ? { status: [...status] } : {};
}

export function isIn({ status }: OrderGroup, of: OrderStatus): boolean {
  return status.length === 0 || status.includes(of);
}
