use std::future::{pending, ready};

use super::*;
use crate::config::SendQueueBudget;
use crate::stream::{Frame, Verdict};

const LONG: Duration = Duration::from_mins(1);

const CURSOR: EventCursor = EventCursor { epoch: 1, stream: 2, position: 3, doubt: None, is_partial: false };

fn queue() -> Arc<SendQueue> {
    SendQueue::new(SendQueueBudget { bytes: 1 << 20, age: LONG })
}

fn frame(body: &'static str, cursor: Option<EventCursor>) -> Frame {
    Frame { body: Bytes::from_static(body.as_bytes()), cursor }
}

/// The chunks of a stream over `queue` that nothing ends from outside.
fn open(queue: &Arc<SendQueue>) -> impl Stream<Item = Bytes> + Unpin + use<> {
    events(Arc::clone(queue), pending().boxed(), LONG, ()).boxed()
}

#[tokio::test]
async fn answers_are_events_with_their_cursors_until_the_operation_is_over() {
    let queue = queue();
    let mut events = open(&queue);
    assert!(queue.offer(0, frame("{\"data\":1}", Some(CURSOR))));
    assert_eq!(events.next().await.unwrap(), format!("event: next\nid: {}\ndata: {{\"data\":1}}\n\n", CURSOR.encode()));
    assert!(queue.offer(0, frame("{\"data\":2}", None)));
    queue.finish(0, Answer::Complete);
    assert_eq!(events.next().await.unwrap(), "event: next\ndata: {\"data\":2}\n\nevent: complete\ndata:\n\n");
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_refusal_is_one_answer() {
    let queue = queue();
    queue.finish(0, Answer::Errors(Bytes::from_static(b"[{\"message\":\"no\"}]")));
    let chunks: Vec<Bytes> = open(&queue).collect().await;
    assert_eq!(chunks, ["event: next\ndata: {\"errors\":[{\"message\":\"no\"}]}\n\nevent: complete\ndata:\n\n"]);
}

#[tokio::test]
async fn silence_is_filled_with_comments() {
    let queue = queue();
    let mut events = events(Arc::clone(&queue), pending().boxed(), Duration::from_millis(1), ()).boxed();
    for _ in 0..3 {
        assert_eq!(events.next().await.unwrap(), ":\n\n");
    }
    queue.finish(0, Answer::Complete);
    let last = events.skip_while(|chunk| ready(&**chunk == COMMENT)).next().await;
    assert_eq!(last.unwrap(), "event: complete\ndata:\n\n", "nothing is lost between two comments");
}

#[tokio::test]
async fn a_stream_that_may_be_gone_on_with_ends_without_a_word() {
    // its reader is too slow, or it cannot go on, or its session has ended and its operation heard of it first
    for verdict in [Verdict::TooSlow, Verdict::TryAgain, Verdict::Forbidden] {
        let condemned = queue();
        assert!(condemned.offer(0, frame("{}", None)));
        condemned.condemn(verdict);
        assert_eq!(open(&condemned).next().await, None, "{verdict:?}");
    }
    // its session has ended, or the server stops
    let ended = queue();
    assert!(ended.offer(0, frame("{}", None)));
    assert_eq!(events(Arc::clone(&ended), ready(()).boxed(), LONG, ()).boxed().next().await, None);
}

#[tokio::test]
async fn what_is_ready_is_sent_at_once_and_not_too_much_of_it() {
    let queue = queue();
    let body: &'static str = "x".repeat(BATCH / 4).leak();
    for _ in 0..10 {
        assert!(queue.offer(0, frame(body, None)));
    }
    queue.finish(0, Answer::Complete);
    let chunks: Vec<Bytes> = open(&queue).collect().await;
    let counts: Vec<usize> =
        chunks.iter().map(|chunk| chunk.windows(11).filter(|found| found == b"event: next").count()).collect();
    assert_eq!(counts, [4, 4, 2]);
}

#[tokio::test]
async fn nothing_is_kept_of_a_stream_that_was_dropped() {
    let (queue, kept) = (queue(), Arc::new(()));
    let mut events = events(Arc::clone(&queue), pending().boxed(), LONG, Arc::clone(&kept)).boxed();
    assert!(events.next().now_or_never().is_none());
    assert_eq!(Arc::strong_count(&kept), 2);
    drop(events);
    assert_eq!(Arc::strong_count(&kept), 1);
    assert!(!queue.offer(0, frame("{}", None)), "nobody takes it");
}
