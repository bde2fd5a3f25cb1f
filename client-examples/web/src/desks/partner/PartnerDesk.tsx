import { Navigate, Route, Routes } from 'react-router';
import type { DeskProps } from '../../App';
import { Shell } from '../../ui/Shell';
import { Earnings } from './Earnings';
import { Work } from './Work';

const TABS = [
  { to: '/work', label: 'Work' },
  { to: '/earnings', label: 'Earnings' },
];

export default function PartnerDesk({ onLeave }: DeskProps) {
  return (
    <Shell desk="Partner" tabs={TABS} onLeave={onLeave}>
      <Routes>
        <Route path="/work" element={<Work />} />
        <Route path="/earnings" element={<Earnings />} />
        <Route path="*" element={<Navigate to="/work" replace />} />
      </Routes>
    </Shell>
  );
}
