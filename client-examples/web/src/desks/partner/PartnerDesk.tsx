import { Navigate, Route, Routes, useMatch } from 'react-router';
import type { DeskProps } from '../../App';
import { Shell } from '../../ui/Shell';
import { Earnings } from './Earnings';
import { Work } from './Work';

const TABS = [
  { to: '/work', label: 'Work' },
  { to: '/earnings', label: 'Earnings' },
];

export default function PartnerDesk({ onLeave }: DeskProps) {
  const isShown = useMatch('/work') !== null;
  return (
    <Shell desk="Partner" tabs={TABS} onLeave={onLeave}>
      {/* It goes on telling where the partner is while they look at something else. */}
      <div hidden={!isShown}>
        <Work isShown={isShown} />
      </div>
      <Routes>
        <Route path="/work" element={null} />
        <Route path="/earnings" element={<Earnings />} />
        <Route path="*" element={<Navigate to="/work" replace />} />
      </Routes>
    </Shell>
  );
}
