import { type FormEvent, useState } from 'react';
import { useLocation } from 'react-router';
import { sentence, type Trouble } from '../api/hooks';
import { resetPassword, type Session } from '../api/session';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Problems } from '../ui/states';
import { tokenOf } from './mail';

/** Another password, for whoever has the mail; it signs them in. */
export function ResetPassword({ onSession }: { onSession: (session: Session) => void }) {
  const { hash } = useLocation();
  const [newPassword, setPassword] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [problems, setProblems] = useState<readonly Trouble[]>([]);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      const { session, problems: refusals } = await resetPassword({ token: tokenOf(hash), newPassword });
      setProblems(refusals);
      if (session) onSession(session);
    } catch (error) {
      setProblems([{ code: 'UNREACHABLE', message: sentence(error), field: null }]);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="signin">
      <h1>Another password</h1>
      <form className="card" onSubmit={(event) => void submit(event)}>
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
      </form>
    </main>
  );
}
