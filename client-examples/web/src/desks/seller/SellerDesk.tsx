import { Navigate, Route, Routes, useMatch } from 'react-router';
import type { DeskProps } from '../../App';
import { OrderPage } from '../../order/OrderPage';
import { Refund } from '../../order/Refund';
import { Shell } from '../../ui/Shell';
import { Import } from './Import';
import { LowStockAlerts } from './LowStockAlerts';
import { Orders } from './Orders';
import { Sales } from './Sales';
import { Stock } from './Stock';

const TABS = [
  { to: '/orders', label: 'Orders' },
  { to: '/stock', label: 'Stock' },
  { to: '/import', label: 'Import' },
  { to: '/sales', label: 'Sales' },
];

export default function SellerDesk({ onLeave }: DeskProps) {
  const isShown = useMatch('/import') !== null;
  return (
    <Shell desk="Store" tabs={TABS} onLeave={onLeave}>
      <LowStockAlerts />
      {/* An import goes on while they look at something else, and what became of it must be there when they are back. */}
      <div hidden={!isShown}>
        <Import />
      </div>
      <Routes>
        <Route path="/orders" element={<Orders />} />
        <Route
          path="/orders/:orderId"
          element={<OrderPage back="/orders" last={(order) => <Refund order={order} />} />}
        />
        <Route path="/stock" element={<Stock />} />
        <Route path="/import" element={null} />
        <Route path="/sales" element={<Sales />} />
        <Route path="*" element={<Navigate to="/orders" replace />} />
      </Routes>
    </Shell>
  );
}
