import { ApolloProvider } from '@apollo/client/react';
import { lazy, Suspense, useCallback, useEffect, useState } from 'react';
import { type Api, makeApi } from './api/client';
import { ApiContext } from './api/hooks';
import { logout, restore, type Session } from './api/session';
import type { Role } from './gql/graphql';
import { SignIn } from './signin';
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

type Stage = { at: 'restoring' } | { at: 'failed'; error: unknown } | { at: 'out' } | { at: 'in'; api: Api };

export function App() {
  const [stage, setStage] = useState<Stage>({ at: 'restoring' });

  const enter = useCallback((session: Session, isFresh = true) => {
    const api = makeApi(session, isFresh);
    session.onEnd = () => {
      api.close();
      setStage({ at: 'out' });
    };
    setStage({ at: 'in', api });
  }, []);

  const begin = useCallback(() => {
    setStage({ at: 'restoring' });
    restore().then(
      (session) => (session ? enter(session, false) : setStage({ at: 'out' })),
      (error: unknown) => setStage({ at: 'failed', error }),
    );
  }, [enter]);
  useEffect(begin, [begin]);

  if (stage.at === 'restoring') return <Loading what="Signing in" />;
  if (stage.at === 'failed') return <Failure error={stage.error} onRetry={begin} />;
  if (stage.at === 'out') return <SignIn onSession={enter} />;

  const { session, client } = stage.api;
  const Desk = DESKS[session.person.role];
  return (
    <ApiContext value={stage.api}>
      <ApolloProvider client={client}>
        <Suspense fallback={<Loading what="Opening the desk" />}>
          <Desk onLeave={() => void logout(session)} />
        </Suspense>
      </ApolloProvider>
    </ApiContext>
  );
}
