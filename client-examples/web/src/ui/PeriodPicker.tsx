import { PERIODS, type Period } from '../lib/periods';

export function PeriodPicker({ period, onPick }: { period: Period; onPick: (period: Period) => void }) {
  return (
    <fieldset className="periods">
      <legend className="unseen">Period</legend>
      {PERIODS.map((one) => (
        <label key={one.name}>
          <input type="radio" name="period" checked={one.name === period.name} onChange={() => onPick(one)} />{' '}
          {one.name}
        </label>
      ))}
    </fieldset>
  );
}
