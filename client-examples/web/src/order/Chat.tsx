import { type FormEvent, type RefObject, useEffect, useEffectEvent, useRef, useState } from 'react';
import { useApi, useAsk, useFeed, useReturn } from '../api/hooks';
import { graphql, unmask } from '../gql';
import type { ChatMessageFragment } from '../gql/graphql';
import { when, words } from '../lib/format';
import { watchVisible } from '../lib/visible';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Empty, Failure, Loading, Problems } from '../ui/states';

const ChatMessage = graphql(`
  fragment ChatMessage on Message {
    id
    body
    senderRole
    sender {
      id
      name
    }
    sentAt
    readAt
  }
`);

const FEED = graphql(`
  subscription Chat($orderId: ID!, $after: EventCursor) {
    chatMessages(orderId: $orderId, after: $after) {
      __typename
      ... on ChatSnapshot {
        cursor
        messages {
          ...ChatMessage
        }
        more
      }
      ... on MessageSent {
        cursor
        message {
          ...ChatMessage
        }
      }
      ... on MessagesRead {
        cursor
        readerRole
        upTo
        readAt
      }
      ... on StreamReset {
        cursor
      }
    }
  }
`);

const SEND = graphql(`
  mutation SendMessage($input: SendMessageInput!) {
    result: sendMessage(input: $input) {
      message {
        id
      }
      userErrors {
        ...Problem
      }
    }
  }
`);

const READ = graphql(`
  mutation MarkMessagesRead($input: MarkMessagesReadInput!) {
    result: markMessagesRead(input: $input) {
      marked
      userErrors {
        ...Problem
      }
    }
  }
`);

/** More are not kept on the page: the chat of an order is short. */
const KEPT = 300;

/** Whether people can see an element, which `isThere` or not. */
function useVisible(element: RefObject<Element | null>, isThere: boolean): boolean {
  const [isVisible, setVisible] = useState(false);
  useEffect(() => {
    if (isThere && element.current) return watchVisible(element.current, setVisible);
  }, [element, isThere]);
  return isVisible;
}

/** The order's people, talking. What was on the screen has been read. */
export function Chat({ order: { id: orderId, number } }: { order: { id: string; number: string } }) {
  const { session } = useApi();
  // A partner has it within each delivery, below its h3.
  const Heading = session.person.role === 'PARTNER' ? 'h4' : 'h2';
  const [messages, setMessages] = useState<readonly ChatMessageFragment[]>([]);
  const [hasOlder, setOlder] = useState(false);
  const [draft, setDraft] = useState('');
  const list = useRef<HTMLOListElement>(null);
  const end = useRef<HTMLLIElement>(null);
  const send = useAsk(SEND);
  const read = useAsk(READ);

  const feed = useFeed(
    FEED,
    { orderId },
    {
      onItem: ({ chatMessages: item }) => {
        if (item.__typename === 'StreamReset') setMessages([]);
        if (item.__typename === 'ChatSnapshot') {
          setMessages(unmask(ChatMessage, item.messages));
          setOlder(item.more);
        }
        if (item.__typename === 'MessageSent') {
          const message = unmask(ChatMessage, item.message);
          setMessages((now) =>
            now.some(({ id }) => id === message.id) ? now : [...now, message].slice(-KEPT),
          );
        }
        if (item.__typename === 'MessagesRead') {
          const { readerRole, upTo, readAt } = item;
          // Ids of messages grow with time, as all ids here do.
          setMessages((now) =>
            now.map((message) =>
              message.readAt || message.senderRole === readerRole || message.id > upTo
                ? message
                : { ...message, readAt },
            ),
          );
        }
      },
    },
  );

  const isOpen = feed.isLive && !feed.error;
  const isListVisible = useVisible(list, isOpen);
  const isEndVisible = useVisible(end, isOpen);

  const unread = messages.findLast(
    (message) => message.sender.id !== session.person.id && !message.readAt,
  )?.id;
  const mark = () => {
    if (unread !== undefined && isEndVisible && session.person.role !== 'ADMIN')
      void read.ask(() => ({ input: { orderId, upTo: unread } }));
  };
  const markDue = useEffectEvent(mark);
  // What could not be marked is tried again when it is looked at again, and when the line is back.
  // biome-ignore lint/correctness/useExhaustiveDependencies: these are what may make it due
  useEffect(() => markDue(), [unread, isEndVisible]);
  useReturn(mark);

  const newest = messages.at(-1)?.id;
  const scrolledTo = useRef<string>(undefined);
  // The list goes along with what is said, and the page stays: whoever looks at something else there is not torn away. What
  // is hidden cannot be scrolled, so it is made up for once the list is seen.
  useEffect(() => {
    // What stands there after a failure is another list, and begins at its top.
    if (!isOpen) scrolledTo.current = undefined;
    if (!list.current || !isListVisible || newest === scrolledTo.current) return;
    scrolledTo.current = newest;
    list.current.scrollTop = list.current.scrollHeight;
  }, [isOpen, newest, isListVisible]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const body = draft.trim();
    // What was typed since is the next message.
    if (await send.ask((idempotencyKey) => ({ input: { idempotencyKey, orderId, body } })))
      setDraft((now) => (now.trim() === body ? '' : now));
  };

  return (
    <section className="card chat" aria-labelledby={`chat-${orderId}`}>
      <Heading id={`chat-${orderId}`}>
        Chat<span className="unseen"> about {number}</span>
      </Heading>
      {feed.error ? (
        <Failure error={feed.error} onRetry={feed.restart} />
      ) : !feed.isLive ? (
        <Loading what="Opening the chat" />
      ) : (
        <>
          {hasOlder && <small>Older messages are not shown here.</small>}
          {messages.length === 0 && <Empty>Nobody has written yet.</Empty>}
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
          <ol ref={list} className="messages" role="log" aria-label={`Messages about ${number}`} tabIndex={0}>
            {messages.map((message) => (
              <li key={message.id} className={message.sender.id === session.person.id ? 'mine' : ''}>
                <small>
                  {message.sender.name} ({words(message.senderRole)}), {when(message.sentAt)}
                  {message.sender.id === session.person.id && message.readAt && ', read'}
                </small>
                <p>{message.body}</p>
              </li>
            ))}
            <li ref={end} aria-hidden="true" />
          </ol>
          <form onSubmit={(event) => void submit(event)} className="line">
            <Field label="Message">
              {(id) => (
                <input
                  id={id}
                  value={draft}
                  maxLength={2000}
                  required
                  pattern=".*\S.*"
                  title="More than blanks"
                  onChange={(event) => setDraft(event.target.value)}
                  autoComplete="off"
                />
              )}
            </Field>
            <Button type="submit" isBusy={send.isBusy}>
              Send<span className="unseen"> about {number}</span>
            </Button>
          </form>
          <Problems problems={send.problems} />
        </>
      )}
    </section>
  );
}
