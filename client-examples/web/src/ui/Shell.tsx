import { type ReactNode, useEffect, useRef } from 'react';
import { NavLink, useLocation } from 'react-router';
import { useApi } from '../api/hooks';
import { words } from '../lib/format';
import { ConnectionBadge } from './ConnectionBadge';
import { Notifications } from './Notifications';

export interface Tab {
  to: string;
  label: ReactNode;
}

/** What is around every desk: where one is, how the line is, who one is. */
export function Shell({
  desk,
  tabs,
  onLeave,
  children,
}: {
  desk: string;
  tabs: readonly Tab[];
  onLeave: () => void;
  children: ReactNode;
}) {
  const { session, isFresh } = useApi();
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const before = useRef(pathname);
  useEffect(() => {
    // The form that had the focus is gone.
    if (isFresh) main.current?.focus();
  }, [isFresh]);
  useEffect(() => {
    const tab = tabs.find(({ to }) => pathname === to || pathname.startsWith(`${to}/`));
    document.title = tab ? `${words(tab.to.slice(1))} – Quick Commerce` : 'Quick Commerce';
  }, [tabs, pathname]);
  useEffect(() => {
    if (before.current === pathname) return;
    before.current = pathname;
    // Another page, as for whoever loads one: the reading goes on at its beginning.
    main.current?.focus();
    scrollTo(0, 0);
  }, [pathname]);
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="top">
        <p className="brand">
          Quick Commerce <span>{desk}</span>
        </p>
        <ConnectionBadge />
        <Notifications />
        <button type="button" className="quiet" onClick={onLeave}>
          Sign out<span className="unseen">, {session.person.name}</span>
        </button>
      </header>
      <nav className="tabs" aria-label="Pages">
        {tabs.map(({ to, label }) => (
          <NavLink key={to} to={to}>
            {label}
          </NavLink>
        ))}
      </nav>
      <main id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
    </>
  );
}
