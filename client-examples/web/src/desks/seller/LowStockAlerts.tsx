import { useApolloClient } from '@apollo/client/react';
import { useState } from 'react';
import { Link } from 'react-router';
import { useFeed } from '../../api/hooks';
import { unmask } from '../../gql';
import type { LowStockQuery, StockRowFragment } from '../../gql/graphql';
import { reload } from '../../ui/reload';
import { Stopped } from '../../ui/states';
import { LOW_STOCK, LOW_STOCK_ALERTS, StockRow } from './stock';

/** How many alerts stand there at once; the stock page has all that is low. */
const SHOWN = 3;

/** What ran low while the desk is open, on every page of it, until it is put away. */
export function LowStockAlerts() {
  const client = useApolloClient();
  const [alerts, setAlerts] = useState<readonly StockRowFragment[]>([]);
  const feed = useFeed(
    LOW_STOCK_ALERTS,
    {},
    {
      onItem: ({ lowStockAlerts }) => {
        const product = unmask(StockRow, lowStockAlerts);
        setAlerts((now) => [product, ...now.filter(({ id }) => id !== product.id)].slice(0, SHOWN));
        for (const observable of client.getObservableQueries([LOW_STOCK]))
          void reload({ client, observable }, ({ seller }: LowStockQuery) => seller.lowStock);
      },
    },
  );
  return (
    <>
      <Stopped feed={feed} />
      <div className="alerts" role="status" data-testid="low-stock-alerts">
        {alerts.map(({ id, name, available }) => (
          <p key={id} className="warning">
            <span>
              {name}: only {available} left. <Link to="/stock">Stock</Link>
            </span>
            <button
              type="button"
              className="quiet"
              aria-label={`Put the alert about ${name} away`}
              onClick={() => setAlerts((now) => now.filter((alert) => alert.id !== id))}
            >
              ✕
            </button>
          </p>
        ))}
      </div>
    </>
  );
}
