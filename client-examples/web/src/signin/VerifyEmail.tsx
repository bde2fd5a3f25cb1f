import { useState } from 'react';
import { Link, useLocation } from 'react-router';
import { post } from '../api/post';
import { Problem } from '../api/problem';
import { unmask } from '../gql';
import { Button } from '../ui/Button';
import { Problems } from '../ui/states';
import { tokenOf, VERIFY } from './mail';
import { usePost } from './usePost';

/** Proves an address. By a button, since programs that look through mails follow links, and the token works once. */
export function VerifyEmail() {
  const { hash } = useLocation();
  const [isDone, setDone] = useState(false);
  const { send, isBusy, problems } = usePost();
  const verify = async () =>
    setDone(
      await send(async () => {
        const { result } = await post(VERIFY, { input: { token: tokenOf(hash) } });
        return unmask(Problem, result.userErrors);
      }),
    );
  return (
    <main className="signin">
      <h1>Your e-mail address</h1>
      <div className="card">
        {isDone ? (
          <p role="status">Thank you: the address is yours.</p>
        ) : (
          <Button className="primary" isBusy={isBusy} onClick={() => void verify()}>
            Confirm that it is mine
          </Button>
        )}
        <Problems problems={problems} />
        <p>
          <Link to="/">To the shop</Link>
        </p>
      </div>
    </main>
  );
}
