import { ApolloProvider } from '@apollo/client/react';
import { lazy, Suspense, useCallback, useEffect, useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { type Api, makeApi } from './api/client';
import { ApiContext } from './api/hooks';
import { waitOf } from './api/refusal';
import { pause } from './api/retry';
import { type Farewell, logout, restore, type Session } from './api/session';
import type { Role } from './gql/graphql';
import { ResetPassword } from './signin/ResetPassword';
import { SignIn } from './signin/SignIn';
import { VerifyEmail } from './signin/VerifyEmail';
import { Boundary } from './ui/Boundary';
import { Failure, Loading } from './ui/states';

export interface DeskProps {
  onLeave: () => void;
}

// Everybody loads their own desk and no other.
const DESKS: Record<Role, ReturnType<typeof lazy<(props: DeskProps) => React.ReactNode>>> = {
  CUSTOMER: lazy(() => import('./desks/customer/CustomerDesk')),
  PARTNER: lazy(() => import('./desks/partner/PartnerDesk')),
  SELLER: lazy(() => import('./desks/seller/SellerDesk')),
  ADMIN: lazy(() => import('./desks/admin/AdminDesk')),
};

/** Where links in mails lead. */
const MAILED = ['/verify-email', '/reset-password'] as const;

/** Milliseconds until a session that could not be restored is asked for again, the first time and at the most. */
const AGAIN_MS = { initial: 2_000, max: 10_000 };

/** While it restores a session: why the last try failed, and which one that was. */
type Failed = { error: unknown; times: number };
type Stage =
  | { at: 'restoring'; failed?: Failed }
  | { at: 'out'; farewell?: Farewell }
  | { at: 'in'; api: Api };

export function App() {
  const [stage, setStage] = useState<Stage>({ at: 'restoring' });
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const page = MAILED.find((path) => path === pathname);

  const enter = useCallback((session: Session, isFresh = true) => {
    const api = makeApi(session, isFresh);
    session.onEnd = (farewell) => {
      api.close();
      setStage({ at: 'out', farewell });
    };
    setStage({ at: 'in', api });
  }, []);

  useEffect(() => {
    // A link from a mail is followed by whoever holds the mail, whoever was signed in here.
    if (stage.at !== 'restoring' || page) return;
    const { error: last, times } = stage.failed ?? { error: null, times: 0 };
    let isWanted = true;
    const ask = () =>
      restore().then(
        (session) => {
          if (!isWanted) return;
          if (session === 'ended') setStage({ at: 'out', farewell: session });
          else if (session) enter(session, false);
          else setStage({ at: 'out' });
        },
        (error: unknown) => isWanted && setStage({ at: 'restoring', failed: { error, times: times + 1 } }),
      );
    const wait =
      times === 0 ? 0 : Math.min(waitOf(last), AGAIN_MS.max) + pause(times, AGAIN_MS.initial, AGAIN_MS.max);
    const timer = setTimeout(() => void ask(), wait);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [stage, page, enter]);

  if (page === '/verify-email') return <VerifyEmail />;
  if (page === '/reset-password') {
    return (
      <ResetPassword
        onSession={(session) => {
          enter(session);
          void navigate('/', { replace: true });
        }}
      />
    );
  }
  if (stage.at === 'restoring') {
    if (!stage.failed) return <Loading what="Signing in" />;
    return <Failure error={stage.failed.error} onRetry={() => setStage({ at: 'restoring' })} />;
  }
  if (stage.at === 'out') return <SignIn hasEnded={stage.farewell === 'ended'} onSession={enter} />;

  const { session, client } = stage.api;
  const Desk = DESKS[session.person.role];
  return (
    <ApiContext value={stage.api}>
      <ApolloProvider client={client}>
        <Boundary>
          <Suspense fallback={<Loading what="Opening the desk" />}>
            <Desk onLeave={() => void logout(session)} />
          </Suspense>
        </Boundary>
      </ApolloProvider>
    </ApiContext>
  );
}
