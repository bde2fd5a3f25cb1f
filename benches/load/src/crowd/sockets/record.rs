//! What arrived.

use std::collections::HashMap;

use memchr::memmem;

use crate::clock::{now_us, parse_us};
use crate::crowd::messages::{Event, Seen};

/// The events that came to any of the sockets since it began.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// How many receipts there were.
    pub(super) messages: u64,
    is_recording: bool,
    sample: Option<String>,
    last_us: i64,
    /// By the event's id.
    events: HashMap<Vec<u8>, Event>,
    closed: u64,
    reason: Option<String>,
    /// Receipts of what a socket had been told before.
    again: u64,
    /// How many events each socket is to come to, and when they all set out for that.
    goal: Option<(u32, i64)>,
    /// How much later each was there.
    back: Vec<i64>,
}

impl Record {
    /// An empty one. Each receipt is kept with its time when `is_recording`, else only counted.
    pub(super) fn begin(is_recording: bool) -> Self {
        Self { is_recording, ..Self::default() }
    }

    /// The message `payload`, an event, was read at `now_us`.
    pub(super) fn event(&mut self, payload: &[u8], now_us: i64) {
        self.messages += 1;
        self.last_us = now_us;
        if self.sample.is_none() {
            self.sample = Some(String::from_utf8_lossy(payload).into_owned());
        }
        if self.is_recording
            && let Some(id) = text_at(payload, b"\"eventId\":\"")
        {
            if let Some(event) = self.events.get_mut(id) {
                event.delays.push(now_us - event.at_us);
            } else if let Some(event) = first_receipt(payload, now_us) {
                self.events.insert(id.to_vec(), event);
            }
        }
    }

    /// A socket was told again what it had been told before.
    pub(super) const fn again(&mut self) {
        self.again += 1;
    }

    /// From `now_us` on all sockets are on their way to `events`; together they have `had` some already. Those that ended
    /// until now did so because they had to.
    pub(super) fn set_out(&mut self, events: u32, had: u64, now_us: i64) {
        (self.messages, self.closed, self.reason) = (had, 0, None);
        self.goal = Some((events, now_us));
    }

    /// A socket has come to `events`.
    pub(super) fn reached(&mut self, events: u32, now_us: i64) {
        if let Some((goal, begun_us)) = self.goal
            && goal == events
        {
            self.back.push(now_us - begun_us);
        }
    }

    /// A socket ended.
    pub(super) fn closed(&mut self, reason: String) {
        self.closed += 1;
        self.reason.get_or_insert(reason);
    }

    /// All of it, when `complete` sockets have what was expected. The events are not kept.
    pub(super) fn report(&mut self, complete: u64) -> Seen {
        Seen {
            messages: self.messages,
            complete,
            closed: self.closed,
            reason: self.reason.clone(),
            last_us: self.last_us,
            sample: self.sample.clone(),
            events: std::mem::take(&mut self.events).into_values().collect(),
            again: self.again,
            back: std::mem::take(&mut self.back),
        }
    }
}

/// The time, when it is needed: once for all that was read at once.
pub(super) fn read_at(time: &mut Option<i64>) -> i64 {
    *time.get_or_insert_with(now_us)
}

fn first_receipt(payload: &[u8], now_us: i64) -> Option<Event> {
    let text = |name: &[u8]| Some(std::str::from_utf8(text_at(payload, name)?).ok()?.to_owned());
    let at_us = parse_us(&text(b"\"at\":\"")?)?;
    Some(Event { order: text(b"\"orderId\":\"")?, at_us, delays: vec![now_us - at_us] })
}

/// What stands between `begin` and the next quotation mark.
pub(super) fn text_at<'a>(payload: &'a [u8], begin: &[u8]) -> Option<&'a [u8]> {
    let rest = payload.get(memmem::find(payload, begin)? + begin.len()..)?;
    rest.get(..memchr::memchr(b'"', rest)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_of_one_event_are_kept_together_with_their_delays() {
        let message = |id: &str| {
            format!(r#"{{"eventId":"{id}","at":"1970-01-01T00:00:01+00:00","order":{{"orderId":"ord_1"}}}}"#).into_bytes()
        };
        let mut record = Record::begin(true);
        record.event(&message("evt_1"), 1_000_300);
        record.event(&message("evt_1"), 1_000_500);
        record.event(&message("evt_2"), 1_000_900);
        let mut seen = record.report(2);
        seen.events.sort_by_key(|event| event.delays.len());
        assert_eq!((seen.messages, seen.complete, seen.last_us), (3, 2, 1_000_900));
        assert_eq!((seen.events[1].order.as_str(), seen.events[1].delays.as_slice()), ("ord_1", [300, 500].as_slice()));
        assert_eq!(seen.events[0].delays, [900]);
        assert_eq!(seen.sample.unwrap().into_bytes(), message("evt_1"));
    }

    #[test]
    fn those_who_come_back_are_there_once_they_have_everything() {
        let mut record = Record::begin(false);
        record.closed("the server has gone".to_owned());
        record.reached(3, 900);
        record.set_out(3, 4, 1000);
        record.event(b"{}", 1200);
        record.reached(2, 1200);
        record.reached(3, 1300);
        record.again();
        record.reached(4, 1400);
        let seen = record.report(1);
        assert_eq!((seen.back, seen.messages, seen.again, seen.closed, seen.reason), (vec![300], 5, 1, 0, None));
    }

    #[test]
    fn receipts_are_only_counted_when_nobody_asks_for_more() {
        let mut record = Record::begin(false);
        record.event(br#"{"eventId":"evt_1","at":"1970-01-01T00:00:01Z","orderId":"ord_1"}"#, 5);
        record.closed("1006".to_owned());
        let seen = record.report(1);
        assert!(seen.events.is_empty() && seen.messages == 1 && seen.closed == 1);
    }
}
