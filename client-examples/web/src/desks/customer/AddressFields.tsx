import { useRef, useState } from 'react';
import type { Trouble } from '../../api/hooks';
import type { AddressInput } from '../../gql/graphql';
import { Button } from '../../ui/Button';
import { Field } from '../../ui/Field';
import { Failure } from '../../ui/states';

const FIELDS = [
  { name: 'label', label: 'Name of the place', most: 60, autoComplete: 'off' },
  { name: 'line1', label: 'Street and number', most: 200, autoComplete: 'address-line1' },
  { name: 'city', label: 'City', most: 100, autoComplete: 'address-level2' },
  { name: 'postalCode', label: 'Postal code', most: 20, autoComplete: 'postal-code' },
  { name: 'country', label: 'Country (two letters)', most: 2, autoComplete: 'country' },
] as const;

const COORDINATES = [
  { name: 'latitude', label: 'Latitude', most: 90 },
  { name: 'longitude', label: 'Longitude', most: 180 },
] as const;

/** The inputs that say by themselves what is wrong with them. */
export const ADDRESS_INPUTS: readonly string[] = FIELDS.map(({ name }) => name);

/**
 * An address that is not saved. Where it is on the map the device says, or numbers: this page calls no service of maps, and
 * guesses no place, for somebody would ride there.
 */
export function AddressFields({ problems }: { problems: readonly Trouble[] }) {
  const inputs = useRef<Partial<Record<string, HTMLInputElement | null>>>({});
  const [isLooking, setLooking] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const locate = () => {
    setError(null);
    setLooking(true);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        setLooking(false);
        for (const { name } of COORDINATES) {
          const input = inputs.current[name];
          if (input) input.value = coords[name].toFixed(6);
        }
      },
      () => {
        setLooking(false);
        setError('This device does not say where it is. Give the place as numbers.');
      },
      { enableHighAccuracy: true, timeout: 15_000 },
    );
  };
  return (
    <>
      {FIELDS.map(({ name, label, most, autoComplete }) => (
        <Field key={name} label={label} name={name} problems={problems}>
          {(id, aria) => (
            <input id={id} {...aria} name={name} maxLength={most} autoComplete={autoComplete} required />
          )}
        </Field>
      ))}
      <Button isBusy={isLooking} onClick={locate}>
        Use my position
      </Button>
      {error && <Failure error={error} />}
      {COORDINATES.map(({ name, label, most }) => (
        <Field key={name} label={label}>
          {(id) => (
            <input
              id={id}
              name={name}
              ref={(input) => {
                inputs.current[name] = input;
              }}
              type="number"
              step="any"
              min={-most}
              max={most}
              autoComplete="off"
              required
            />
          )}
        </Field>
      ))}
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
