import { type FormEvent, useState } from 'react';
import { Link, useLocation } from 'react-router';
import { resetPassword, type Session } from '../api/session';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Problems } from '../ui/states';
import { tokenOf } from './mail';
import { usePost } from './usePost';

/** Another password, for whoever has the mail; it signs them in. */
export function ResetPassword({ onSession }: { onSession: (session: Session) => void }) {
  const { hash } = useLocation();
  const [newPassword, setPassword] = useState('');
  const { send, isBusy, problems } = usePost();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void send(async () => {
      const { session, problems: refusals } = await resetPassword({ token: tokenOf(hash), newPassword });
      if (session) onSession(session);
      return refusals;
    });
  };
  return (
    <main className="signin">
      <h1>Another password</h1>
      <form className="card" onSubmit={submit}>
        <Field label="New password" name="newPassword" problems={problems}>
          {(id, aria) => (
            <input
              id={id}
              {...aria}
              type="password"
              required
              autoComplete="new-password"
              value={newPassword}
              onChange={(event) => setPassword(event.target.value)}
            />
          )}
        </Field>
        <Problems problems={problems} beside={['newPassword']} />
        <Button type="submit" className="primary" isBusy={isBusy}>
          Take it
        </Button>
        <p>
          <Link to="/">Sign in, or ask for another link</Link>
        </p>
      </form>
    </main>
  );
}
