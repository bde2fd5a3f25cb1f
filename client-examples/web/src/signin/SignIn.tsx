import { type FormEvent, useState } from 'react';
import { sentence, type Trouble } from '../api/hooks';
import { login, register, type Session } from '../api/session';
import { Field } from '../ui/Field';
import { Problems } from '../ui/states';
import { Forgotten } from './Forgotten';

const DEMO = ['customer@demo.test', 'partner@demo.test', 'seller@demo.test', 'admin@demo.test'];

/** Signing in, and signing up as a customer or a partner. */
export function SignIn({ onSession }: { onSession: (session: Session) => void }) {
  const [isNew, setNew] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [problems, setProblems] = useState<readonly Trouble[]>([]);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? '');
    setBusy(true);
    try {
      const credentials = { email: text('email'), password: text('password') };
      const partner = text('role') === 'partner' ? { vehicle: 'SCOOTER' as const } : null;
      const entry = isNew
        ? await register({ ...credentials, name: text('name'), partner })
        : await login(credentials);
      if (entry.session) onSession(entry.session);
      else setProblems(entry.problems);
    } catch (error) {
      setProblems([{ code: 'UNREACHABLE', message: sentence(error), field: null }]);
    } finally {
      setBusy(false);
    }
  };

  return (
    <main className="signin">
      <h1>Quick Commerce</h1>
      <form onSubmit={(event) => void submit(event)} className="card">
        <h2>{isNew ? 'Sign up' : 'Sign in'}</h2>
        {isNew && (
          <Field label="Name">
            {(id) => <input id={id} name="name" required maxLength={120} autoComplete="name" />}
          </Field>
        )}
        <Field label="E-mail address">
          {(id) => (
            <input id={id} name="email" type="email" required autoComplete="username" list="demo-accounts" />
          )}
        </Field>
        <datalist id="demo-accounts">
          {DEMO.map((email) => (
            <option key={email} value={email} />
          ))}
        </datalist>
        <Field label="Password">
          {(id) => (
            <input
              id={id}
              name="password"
              type="password"
              required
              autoComplete={isNew ? 'new-password' : 'current-password'}
            />
          )}
        </Field>
        {isNew && (
          <Field label="I want to">
            {(id) => (
              <select id={id} name="role">
                <option value="customer">order</option>
                <option value="partner">deliver</option>
              </select>
            )}
          </Field>
        )}
        <Problems problems={problems} />
        <button type="submit" className="primary" disabled={isBusy}>
          {isNew ? 'Sign up' : 'Sign in'}
        </button>
        <button type="button" className="quiet" onClick={() => setNew(!isNew)}>
          {isNew ? 'I have an account' : 'I am new here'}
        </button>
        <small>
          The demo’s accounts are {DEMO.join(', ')}; their password is <code>quick-commerce</code>.
        </small>
      </form>
      <Forgotten />
    </main>
  );
}
