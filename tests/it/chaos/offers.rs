//! The offers that a partner has heard of: when it is over every list shows what is on offer, and no step was left out.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::log::{Marks, Truth};

/// The offers that a partner has heard of.
#[derive(Debug, Default)]
pub(super) struct Offers {
    /// What is on offer, as the partner sees it.
    open: BTreeSet<Uuid>,
    /// What was heard of each order since the last picture.
    steps: BTreeMap<Uuid, Steps>,
    connection: u32,
    /// What one of several cells lost is told with all that came since: some of it comes twice.
    may_repeat: bool,
    has_begun: bool,
    is_rebased: bool,
}

/// What was heard of an order, each event once.
#[derive(Debug, Default)]
struct Steps {
    events: Vec<Uuid>,
    /// The connection on which it was heard of last, and how far it had come there.
    connection: u32,
    count: usize,
}

impl Offers {
    /// Nothing yet, of all offers or `by_area`.
    pub(super) fn new(by_area: bool) -> Self {
        Self { may_repeat: by_area, ..Self::default() }
    }

    pub(super) fn connected(&mut self) {
        self.connection += 1;
    }

    /// The first picture: these orders are on offer.
    pub(super) fn shown(&mut self, open: BTreeSet<Uuid>, marks: &mut Marks) {
        if self.has_begun {
            marks.fault("a picture of the offers among the changes".to_owned());
        }
        self.open = open;
    }

    /// By `event`, `order` is on offer from now on, or is not.
    pub(super) fn changed(&mut self, order: Uuid, event: Uuid, is_open: bool, marks: &mut Marks) {
        self.has_begun = true;
        let steps = self.steps.entry(order).or_default();
        let is_here = steps.connection == self.connection;
        let index = steps.events.iter().position(|known| *known == event);
        let index = index.inspect(|_| marks.repeats += 1).unwrap_or_else(|| {
            steps.events.push(event);
            steps.events.len() - 1
        });
        if is_here && index < steps.count && !self.may_repeat {
            marks.fault(format!("order {order}: event {event} came twice on one connection"));
        }
        (steps.connection, steps.count) = (self.connection, index + 1);
        if is_open {
            self.open.insert(order);
        } else {
            self.open.remove(&order);
        }
    }

    /// What follows is a picture, and news from there on.
    pub(super) fn reset(&mut self) {
        *self = Self { is_rebased: true, connection: self.connection, ..Self::new(self.may_repeat) };
    }

    pub(super) fn orders(&self) -> BTreeSet<Uuid> {
        self.steps.keys().copied().collect()
    }

    /// The first thing that has not been heard, in words.
    pub(super) fn behind(&self, truth: &Truth) -> Option<String> {
        let step = truth.offers.iter().find_map(|(order, events)| {
            let heard = self.steps.get(order).map_or(&[][..], |steps| &steps.events);
            let is_over = heard.last() == events.last() || (heard.is_empty() && self.is_rebased);
            (!is_over).then(|| format!("order {order}: the last heard of {events:?} is {:?}", heard.last()))
        });
        step.or_else(|| (self.open != truth.open).then(|| format!("on offer are {:?}, and not {:?}", truth.open, self.open)))
    }

    /// Notes what was left out, what came in another order, and what never came.
    pub(super) fn close(&self, truth: &Truth, marks: &mut Marks) {
        for order in self.steps.keys().filter(|order| !truth.offers.contains_key(order)) {
            marks.fault(format!("order {order}: it was never on offer"));
        }
        for (order, events) in &truth.offers {
            let heard = self.steps.get(order).map_or(&[][..], |steps| &steps.events);
            // a picture may have shown what the first ones led to
            let skipped = if self.is_rebased {
                heard.first().map_or(events.len(), |first| events.iter().take_while(|event| *event != first).count())
            } else {
                0
            };
            let expected = &events[skipped..];
            let missing = expected.iter().filter(|event| !heard.contains(event)).count() as u64;
            if missing > 0 {
                marks.lose(missing, format!("order {order}: {heard:?} was heard of {expected:?}"));
            } else if heard != expected {
                marks.fault(format!("order {order}: {heard:?} was heard, in this order, of {expected:?}"));
            }
        }
        if self.open != truth.open {
            marks.fault(format!("on offer are {:?}, and not {:?}", truth.open, self.open));
        }
    }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// Order 1 was offered, claimed, offered and is on offer; order 2 was offered and claimed.
fn truth() -> Truth {
    let offers = BTreeMap::from([(id(1), vec![id(11), id(12), id(13)]), (id(2), vec![id(21), id(22)])]);
    Truth { offers, open: BTreeSet::from([id(1)]), ..Truth::default() }
}

/// A partner who heard of these events, on connections of so many each, and what is wrong with that.
fn heard(events: &[&[u128]]) -> (Offers, Marks) {
    let (mut offers, mut marks) = (Offers::default(), Marks::default());
    for connection in events {
        offers.connected();
        for event in *connection {
            offers.changed(id(event / 10), id(*event), event % 2 == 1, &mut marks);
        }
    }
    offers.close(&truth(), &mut marks);
    (offers, marks)
}

#[test]
fn every_step_of_every_offer_is_well() {
    let (offers, marks) = heard(&[&[11, 21, 12], &[12, 22, 13]]);
    assert!(marks.faults.is_empty() && marks.repeats == 1, "{marks:?}");
    assert_eq!(offers.behind(&truth()), None);
}

#[test]
fn a_step_that_was_left_out_is_a_loss_though_the_list_is_right_in_the_end() {
    let (offers, marks) = heard(&[&[13, 21, 22]]);
    assert_eq!((offers.behind(&truth()), marks.lost, marks.wrong), (None, 2, 0));
}

#[test]
fn a_step_that_never_came_is_awaited_and_lost() {
    for events in [&[&[11, 12, 13, 21][..]], &[&[11, 12, 21, 22]]] {
        let (offers, marks) = heard(events);
        assert!(offers.behind(&truth()).is_some() && marks.lost == 1, "{events:?}: {marks:?}");
    }
}

#[test]
fn what_comes_twice_on_one_connection_or_the_wrong_way_round_is_a_fault() {
    for events in [&[&[11, 12, 13, 21, 22, 13][..]], &[&[11, 12, 13, 22, 21]]] {
        assert!(heard(events).1.wrong > 0, "{events:?}");
    }
}

#[test]
fn after_a_reset_the_picture_of_the_offers_counts() {
    let (mut offers, mut marks) = (Offers::default(), Marks::default());
    offers.connected();
    offers.changed(id(1), id(11), true, &mut marks);
    offers.reset();
    offers.shown(BTreeSet::new(), &mut marks);
    offers.changed(id(1), id(13), true, &mut marks);
    offers.close(&truth(), &mut marks);
    assert!(marks.faults.is_empty() && offers.behind(&truth()).is_none(), "{marks:?}");
}
