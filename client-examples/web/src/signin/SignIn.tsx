import { type FormEvent, useState } from 'react';
import { login, register, type Session } from '../api/session';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Problems } from '../ui/states';
import { Forgotten } from './Forgotten';
import { usePost } from './usePost';

/** Nobody else's customers are to read these: they are left out of a build, unless it is made for the demo. */
const DEMO =
  import.meta.env.DEV || import.meta.env.VITE_DEMO === 'true'
    ? {
        emails: ['customer', 'partner', 'seller', 'admin'].map((who) => `${who}@demo.test`),
        password: 'quick-commerce',
      }
    : null;

/** The inputs that say by themselves what is wrong with them. */
const INPUTS = ['name', 'email', 'password'];

/** Signing in, and signing up as a customer or a partner. `hasEnded`: nobody here has asked for the form. */
export function SignIn({
  hasEnded,
  onSession,
}: {
  hasEnded: boolean;
  onSession: (session: Session) => void;
}) {
  const [isNew, setNew] = useState(false);
  const { send, isBusy, problems } = usePost();

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? '');
    void send(async () => {
      const credentials = { email: text('email'), password: text('password') };
      const partner = text('role') === 'partner' ? { vehicle: 'SCOOTER' as const } : null;
      const { session, problems: refusals } = isNew
        ? await register({ ...credentials, name: text('name'), partner })
        : await login(credentials);
      if (session) onSession(session);
      return refusals;
    });
  };

  return (
    <main className="signin">
      <h1>Quick Commerce</h1>
      {hasEnded && (
        <p className="warning" role="alert">
          Your session has ended. Sign in again.
        </p>
      )}
      <form onSubmit={submit} className="card">
        <h2>{isNew ? 'Sign up' : 'Sign in'}</h2>
        {isNew && (
          <Field label="Name" name="name" problems={problems}>
            {(id, aria) => (
              <input id={id} {...aria} name="name" required maxLength={120} autoComplete="name" />
            )}
          </Field>
        )}
        <Field label="E-mail address" name="email" problems={problems}>
          {(id, aria) => (
            <input
              id={id}
              {...aria}
              name="email"
              type="email"
              required
              autoComplete="username"
              list={DEMO ? 'demo-accounts' : undefined}
            />
          )}
        </Field>
        {DEMO && (
          <datalist id="demo-accounts">
            {DEMO.emails.map((email) => (
              <option key={email} value={email} />
            ))}
          </datalist>
        )}
        <Field label="Password" name="password" problems={problems}>
          {(id, aria) => (
            <input
              id={id}
              {...aria}
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
        <Problems problems={problems} beside={INPUTS} />
        <Button type="submit" className="primary" isBusy={isBusy}>
          {isNew ? 'Sign up' : 'Sign in'}
        </Button>
        <button type="button" className="quiet" onClick={() => setNew(!isNew)}>
          {isNew ? 'I have an account' : 'I am new here'}
        </button>
        {DEMO && (
          <small>
            The demo’s accounts are {DEMO.emails.join(', ')}; their password is <code>{DEMO.password}</code>.
          </small>
        )}
      </form>
      <Forgotten />
    </main>
  );
}
