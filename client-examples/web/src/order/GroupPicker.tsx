import { Field } from '../ui/Field';
import { GROUPS, type OrderGroup } from './filter';

export function GroupPicker({ group, onPick }: { group: OrderGroup; onPick: (group: OrderGroup) => void }) {
  return (
    <Field label="Show">
      {(id) => (
        <select
          id={id}
          value={group.name}
          onChange={(event) => onPick(GROUPS.find(({ name }) => name === event.target.value) ?? GROUPS[0])}
        >
          {GROUPS.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      )}
    </Field>
  );
}
