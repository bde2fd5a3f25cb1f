import { type FormEvent, useState } from 'react';
import { sentence, type Trouble } from '../api/hooks';
import { post } from '../api/post';
import { Problem } from '../api/problem';
import { unmask } from '../gql';
import { Field } from '../ui/Field';
import { Problems } from '../ui/states';
import { REQUEST_RESET } from './mail';

/** Has a link mailed. Whether there is such an account it does not say, since the server does not. */
export function Forgotten() {
  const [email, setEmail] = useState('');
  const [isSent, setSent] = useState(false);
  const [problems, setProblems] = useState<readonly Trouble[]>([]);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      const { result } = await post(REQUEST_RESET, { input: { email } });
      const refusals = unmask(Problem, result.userErrors);
      setProblems(refusals);
      setSent(refusals.length === 0);
    } catch (error) {
      setProblems([{ code: 'UNREACHABLE', message: sentence(error), field: null }]);
    }
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
        <button type="submit">Mail me a link</button>
        {isSent && <p role="status">If there is such an account, a link is on its way.</p>}
      </form>
    </details>
  );
}
