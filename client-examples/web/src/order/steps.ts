import { graphql } from '../gql';
import type { OrderAction, OrderStatus } from '../gql/graphql';

export const STEP = graphql(`
  mutation Step($input: UpdateOrderStatusInput!) {
    result: updateOrderStatus(input: $input) {
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

export const CANCEL = graphql(`
  mutation CancelOrder($input: CancelOrderInput!) {
    result: cancelOrder(input: $input) {
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

/** Which status each action leads to, and how its button is called. Who may do what, the server says: `viewerActions`. */
export const STEPS: Partial<Record<OrderAction, { status: OrderStatus; label: string }>> = {
  CONFIRM: { status: 'CONFIRMED', label: 'Confirm' },
  PREPARE: { status: 'PREPARING', label: 'Start packing' },
  MARK_READY: { status: 'READY', label: 'Ready to pick up' },
  PICK_UP: { status: 'PICKED_UP', label: 'Picked up' },
  START_TRANSIT: { status: 'IN_TRANSIT', label: 'On my way' },
};
