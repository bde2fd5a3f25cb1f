import { Navigate, Route, Routes } from 'react-router';
import type { DeskProps } from '../../App';
import { sentence, useFeed } from '../../api/hooks';
import { OrderPage } from '../../order/OrderPage';
import { Shell } from '../../ui/Shell';
import { Failure, Stopped } from '../../ui/states';
import { CartPage } from './CartPage';
import { CodeAtTheDoor } from './CodeAtTheDoor';
import { CART_UPDATES } from './cart';
import { MyOrders } from './MyOrders';
import { Pay } from './Pay';
import { Rate } from './Rate';
import { Shop } from './Shop';
import { useCart } from './useCart';

export default function CustomerDesk({ onLeave }: DeskProps) {
  const { query, cart } = useCart();
  const feed = useFeed(CART_UPDATES, {});
  const pieces = cart?.lines.reduce((sum, { quantity }) => sum + quantity, 0) ?? 0;
  const tabs = [
    { to: '/shop', label: 'Shop' },
    {
      to: '/cart',
      label: (
        <>
          Cart <span data-testid="cart-count">({pieces})</span>
        </>
      ),
    },
    { to: '/orders', label: 'Orders' },
  ];
  return (
    <Shell desk="Shop" tabs={tabs} onLeave={onLeave}>
      <Stopped feed={feed} />
      <Routes>
        <Route
          path="/shop"
          element={
            <>
              {/* Without it nothing can be added. */}
              {query.error && !cart && (
                <Failure
                  error={`Your cart could not be loaded. ${sentence(query.error)}`}
                  onRetry={() => void query.refetch().catch(() => {})}
                />
              )}
              <Shop />
            </>
          }
        />
        <Route path="/cart" element={<CartPage />} />
        <Route path="/orders" element={<MyOrders />} />
        <Route
          path="/orders/:orderId"
          element={
            <OrderPage
              back="/orders"
              first={(order) => (
                <>
                  {order.viewerActions.includes('PAY') && <Pay order={order} />}
                  <CodeAtTheDoor order={order} />
                  {(order.rating || order.viewerActions.includes('RATE')) && <Rate order={order} />}
                </>
              )}
            />
          }
        />
        <Route path="*" element={<Navigate to="/shop" replace />} />
      </Routes>
    </Shell>
  );
}
