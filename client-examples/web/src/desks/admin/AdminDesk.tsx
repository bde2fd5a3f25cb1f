import type { DeskProps } from '../../App';
export default function AdminDesk(_: DeskProps) { return null; }
