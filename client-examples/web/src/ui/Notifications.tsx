import { useEffect, useState } from 'react';
import { type Feed, useAsk, useFeed, useLoad } from '../api/hooks';
import { graphql } from '../gql';
import type { NotificationListQuery } from '../gql/graphql';
import { dateTime } from '../lib/format';
import { Button } from './Button';
import { Dialog } from './Dialog';
import { NO_PAGE, reload } from './reload';
import { Empty, Loaded, More, Stopped } from './states';
import { useSoon } from './useSoon';

const FEED = graphql(`
  subscription Notifications($after: EventCursor) {
    notifications(after: $after) {
      __typename
      ... on NotificationSnapshot {
        cursor
        unread
      }
      ... on NotificationSent {
        cursor
        unread
        notification {
          id
          title
        }
      }
      ... on NotificationsRead {
        cursor
        unread
      }
      ... on StreamReset {
        cursor
      }
    }
  }
`);

const LIST = graphql(`
  query NotificationList($first: Int = 25, $after: String) {
    viewer {
      notifications(first: $first, after: $after) {
        edges {
          cursor
          node {
            id
            title
            body
            readAt
            createdAt
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

const READ = graphql(`
  mutation MarkNotificationsRead($input: MarkNotificationsReadInput!) {
    result: markNotificationsRead(input: $input) {
      marked
      userErrors {
        ...Problem
      }
    }
  }
`);

const pageOf = ({ viewer }: NotificationListQuery) => viewer?.notifications ?? NO_PAGE;

/** The bell: how many are unread, the newest said aloud, and the list behind it. Its feed keeps the line open. */
export function Notifications() {
  const [unread, setUnread] = useState(0);
  const [newest, setNewest] = useState('');
  const [told, setTold] = useState(0);
  const [isOpen, setOpen] = useState(false);
  const feed = useFeed(
    FEED,
    {},
    {
      onItem: ({ notifications: item }) => {
        setTold((times) => times + 1);
        if (item.__typename === 'StreamReset') return;
        setUnread(item.unread);
        if (item.__typename === 'NotificationSent') setNewest(item.notification.title);
      },
    },
  );
  return (
    <>
      <button
        type="button"
        className="quiet bell"
        onClick={() => setOpen(true)}
        aria-label={`Notifications, ${unread} unread`}
      >
        <Bell />
        {unread > 0 && <b aria-hidden="true">{unread > 99 ? '99+' : unread}</b>}
      </button>
      <span className="unseen" role="status">
        {newest}
      </span>
      {isOpen && <List feed={feed} told={told} onClose={() => setOpen(false)} />}
    </>
  );
}

function Bell() {
  return (
    <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <path
        d="M10 2a5 5 0 0 0-5 5c0 4-1.5 5.5-2 7h14c-.5-1.5-2-3-2-7a5 5 0 0 0-5-5Zm-2 13a2 2 0 0 0 4 0"
        fill="currentColor"
      />
    </svg>
  );
}

/** The list is loaded anew when the feed has `told` of something; what somebody has shown of it stays. */
function List({ feed, told, onClose }: { feed: Feed; told: number; onClose: () => void }) {
  const query = useLoad(LIST, {});
  const again = useSoon(() => void reload(query, pageOf));
  const [toldBefore] = useState(told);
  useEffect(() => {
    if (told !== toldBefore) again();
  }, [told, toldBefore, again]);
  const read = useAsk(READ);
  const markAll = async () => {
    if (await read.ask(() => ({ input: { all: true } }))) await reload(query, pageOf);
  };
  return (
    <Dialog title="Notifications" onClose={onClose}>
      <Stopped feed={feed} />
      <Loaded query={query} what="notifications">
        {({ viewer }) => {
          const { edges, pageInfo } = viewer?.notifications ?? NO_PAGE;
          if (edges.length === 0) return <Empty>There is nothing to tell yet.</Empty>;
          return (
            <>
              <Button isBusy={read.isBusy} onClick={() => void markAll()}>
                Mark all as read
              </Button>
              <ul className="rows">
                {edges.map(({ node }) => (
                  <li key={node.id} className={node.readAt ? '' : 'unread'}>
                    <strong>{node.title}</strong>
                    <p>{node.body}</p>
                    <small>{dateTime(node.createdAt)}</small>
                  </li>
                ))}
              </ul>
              <More
                page={pageInfo}
                isBusy={query.loading}
                onMore={(after) => query.fetchMore({ variables: { after } })}
              />
            </>
          );
        }}
      </Loaded>
    </Dialog>
  );
}
