import { Navigate, Route, Routes } from 'react-router';
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
  return (
    <Shell desk="Store" tabs={TABS} onLeave={onLeave}>
      <LowStockAlerts />
      <Routes>
        <Route path="/orders" element={<Orders />} />
        <Route
          path="/orders/:orderId"
          element={<OrderPage back="/orders" last={(order) => <Refund order={order} />} />}
        />
        <Route path="/stock" element={<Stock />} />
        <Route path="/import" element={<Import />} />
        <Route path="/sales" element={<Sales />} />
        <Route path="*" element={<Navigate to="/orders" replace />} />
      </Routes>
    </Shell>
  );
}
