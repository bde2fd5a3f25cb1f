import { Navigate, Route, Routes } from 'react-router';
import type { DeskProps } from '../../App';
import { OrderPage } from '../../order/OrderPage';
import { Refund } from '../../order/Refund';
import { Shell } from '../../ui/Shell';
import { Assign } from './Assign';
import { Audit } from './Audit';
import { Live } from './Live';
import { Partners } from './Partners';
import { Users } from './Users';

const TABS = [
  { to: '/orders', label: 'Live' },
  { to: '/partners', label: 'Partners' },
  { to: '/users', label: 'Users' },
  { to: '/audit', label: 'Audit' },
];

export default function AdminDesk({ onLeave }: DeskProps) {
  return (
    <Shell desk="Admin" tabs={TABS} onLeave={onLeave}>
      <Routes>
        <Route path="/orders" element={<Live />} />
        <Route
          path="/orders/:orderId"
          element={
            <OrderPage
              back="/orders"
              first={(order) =>
                order.viewerActions.includes('ASSIGN') && (
                  <section className="card" aria-label="Partner">
                    <Assign order={order} />
                  </section>
                )
              }
              last={(order) => <Refund order={order} />}
            />
          }
        />
        <Route path="/partners" element={<Partners />} />
        <Route path="/users" element={<Users />} />
        <Route path="/audit" element={<Audit />} />
        <Route path="*" element={<Navigate to="/orders" replace />} />
      </Routes>
    </Shell>
  );
}
