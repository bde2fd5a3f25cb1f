import { type FormEvent, useState } from 'react';
import { post } from '../api/post';
import { Problem } from '../api/problem';
import { unmask } from '../gql';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Problems } from '../ui/states';
import { REQUEST_RESET } from './mail';
import { usePost } from './usePost';

/** Has a link mailed. Whether there is such an account it does not say, since the server does not. */
export function Forgotten() {
  const [email, setEmail] = useState('');
  const [isSent, setSent] = useState(false);
  const { send, isBusy, problems } = usePost();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setSent(false);
    setSent(
      await send(async () => {
        const { result } = await post(REQUEST_RESET, { input: { email } });
        return unmask(Problem, result.userErrors);
      }),
    );
  };
  return (
    <details className="card">
      <summary>I forgot my password</summary>
      <form onSubmit={(event) => void submit(event)}>
        <Field label="Mail the link to" name="email" problems={problems}>
          {(id, aria) => (
            <input
              id={id}
              {...aria}
              type="email"
              required
              value={email}
              onChange={(event) => setEmail(event.target.value)}
            />
          )}
        </Field>
        <Problems problems={problems} beside={['email']} />
        <Button type="submit" isBusy={isBusy}>
          Mail me a link
        </Button>
        {isSent && <p role="status">If there is such an account, a link is on its way.</p>}
      </form>
    </details>
  );
}
