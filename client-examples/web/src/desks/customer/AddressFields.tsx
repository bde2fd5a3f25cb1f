import type { AddressInput } from '../../gql/graphql';
import { Field } from '../../ui/Field';

const FIELDS = [
  { name: 'label', label: 'Name of the place', value: 'Home', most: 60 },
  { name: 'line1', label: 'Street and number', value: '', most: 200 },
  { name: 'city', label: 'City', value: 'Bengaluru', most: 100 },
  { name: 'postalCode', label: 'Postal code', value: '', most: 20 },
  { name: 'country', label: 'Country (two letters)', value: 'IN', most: 2 },
] as const;

/** An address that is not saved. Where it is on the map is asked for as numbers: this page calls no service of maps. */
export function AddressFields() {
  return (
    <>
      {FIELDS.map(({ name, label, value, most }) => (
        <Field key={name} label={label}>
          {(id) => <input id={id} name={name} defaultValue={value} maxLength={most} required />}
        </Field>
      ))}
      <Field label="Latitude">
        {(id) => (
          <input
            id={id}
            name="latitude"
            type="number"
            step="any"
            min="-90"
            max="90"
            defaultValue="12.9719"
            required
          />
        )}
      </Field>
      <Field label="Longitude">
        {(id) => (
          <input
            id={id}
            name="longitude"
            type="number"
            step="any"
            min="-180"
            max="180"
            defaultValue="77.6412"
            required
          />
        )}
      </Field>
    </>
  );
}

export function addressOf(form: FormData): AddressInput {
  const text = (name: string) => String(form.get(name) ?? '').trim();
  return {
    label: text('label'),
    line1: text('line1'),
    city: text('city'),
    postalCode: text('postalCode'),
    country: text('country').toUpperCase(),
    location: { latitude: Number(text('latitude')), longitude: Number(text('longitude')) },
  };
}
