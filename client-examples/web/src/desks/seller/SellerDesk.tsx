import type { DeskProps } from '../../App';
export default function SellerDesk(_: DeskProps) { return null; }
