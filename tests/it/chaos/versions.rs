//! The versions of orders that a client has heard of: each is one more than the last, whatever happened in between.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::log::Marks;

/// The versions of orders that a client has heard of.
#[derive(Debug, Default)]
pub(super) struct Versions {
    /// The last of each order.
    pub(super) heard: BTreeMap<Uuid, i32>,
    /// The last of each order on this connection.
    here: HashMap<Uuid, i32>,
    /// A change has come: the first picture is over.
    has_begun: bool,
    /// It had to start anew: of what was over by then it hears nothing.
    is_rebased: bool,
}

impl Versions {
    pub(super) fn connected(&mut self) {
        self.here.clear();
    }

    pub(super) fn turned(&mut self) {
        self.has_begun = false;
    }

    /// A first picture shows `order` in `version`.
    pub(super) fn shown(&mut self, order: Uuid, version: i32, marks: &mut Marks) {
        if self.has_begun {
            marks.fault(format!("order {order}: a picture of version {version} among the changes"));
        }
        if let Some(before) = self.heard.insert(order, version)
            && before > version
        {
            marks.fault(format!("order {order}: version {version} in a picture that was taken after {before} was heard"));
        }
        if self.here.insert(order, version).is_some() {
            marks.fault(format!("order {order}: twice in a picture"));
        }
    }

    /// `order` has `version` from now on.
    pub(super) fn changed(&mut self, order: Uuid, version: i32, marks: &mut Marks) {
        self.has_begun = true;
        let known = self.heard.get(&order).copied();
        let here = self.here.insert(order, version);
        // on one connection each comes once; on the next one it may begin with what was heard before
        let before = here.or_else(|| known.filter(|known| *known < version));
        match before {
            Some(before) if version <= before => {
                marks.fault(format!("order {order}: version {version} came after {before} on one connection"));
            }
            Some(before) if version > before + 1 => {
                marks.lose(missing(before, version), format!("order {order}: version {version} came after {before}"));
            }
            None if known.is_none() && version > 1 && !self.is_rebased => {
                marks.lose(missing(0, version), format!("order {order}: the first that came was version {version}"));
            }
            _ => {}
        }
        if known.is_some_and(|known| version <= known) {
            marks.repeats += 1;
        } else {
            self.heard.insert(order, version);
        }
    }

    /// What follows is a picture, and news from there on.
    pub(super) fn reset(&mut self) {
        *self = Self { is_rebased: true, ..Self::default() };
    }

    /// The first order whose version by `truth` has not been heard, in words.
    pub(super) fn behind(&self, truth: &BTreeMap<Uuid, i32>) -> Option<String> {
        truth.iter().find_map(|(order, version)| match self.heard.get(order) {
            Some(heard) => (heard < version).then(|| format!("order {order}: {heard} was heard of {version} versions")),
            None => (!self.is_rebased).then(|| format!("order {order}: none was heard of {version} versions")),
        })
    }

    /// Notes what it should not have heard of, and what it never did.
    pub(super) fn close(&self, truth: &BTreeMap<Uuid, i32>, marks: &mut Marks) {
        for (order, heard) in &self.heard {
            match truth.get(order) {
                Some(version) if heard <= version => {}
                other => marks.fault(format!("order {order}: version {heard} was heard, and there is {other:?}")),
            }
        }
        for (order, version) in truth {
            let heard = self.heard.get(order).copied().unwrap_or(if self.is_rebased { *version } else { 0 });
            if heard < *version {
                let count = u64::from(version.abs_diff(heard));
                marks.lose(count, format!("order {order}: nothing came after version {heard} of {version}"));
            }
        }
    }
}

fn missing(before: i32, version: i32) -> u64 {
    u64::from(version.abs_diff(before)) - 1
}

fn order() -> Uuid {
    Uuid::from_u128(1)
}

/// What is wrong with `versions` of an order that came on connections of so many each.
fn heard(versions: &[&[i32]]) -> Marks {
    let (mut log, mut marks) = (Versions::default(), Marks::default());
    for connection in versions {
        log.connected();
        for version in *connection {
            log.changed(order(), *version, &mut marks);
        }
    }
    let last = versions.iter().flat_map(|connection| connection.iter()).max().copied().unwrap();
    assert_eq!(log.behind(&BTreeMap::from([(order(), last)])), None);
    assert!(log.behind(&BTreeMap::from([(order(), last + 1)])).is_some());
    marks
}

#[test]
fn every_version_in_order_is_well_whatever_broke_in_between() {
    let marks = heard(&[&[1, 2], &[3], &[4, 5]]);
    assert!(marks.faults.is_empty() && marks.repeats == 0, "{marks:?}");
}

#[test]
fn what_another_connection_repeats_is_dropped_and_counted() {
    let marks = heard(&[&[1, 2, 3], &[2, 3, 4], &[4, 5]]);
    assert!(marks.faults.is_empty() && marks.repeats == 3, "{marks:?}");
}

#[test]
fn a_repetition_on_one_connection_is_a_fault() {
    for versions in [&[&[1, 2, 2][..]][..], &[&[1, 2, 1]], &[&[1, 2, 3], &[2, 2]]] {
        assert_eq!(heard(versions).wrong, 1, "{versions:?}");
    }
}

#[test]
fn every_hole_is_a_loss() {
    for (versions, lost) in [(&[&[1, 3][..]][..], 1), (&[&[1, 2], &[5, 6]], 2), (&[&[3]], 2), (&[&[1, 2, 3, 4], &[2, 4]], 1)]
    {
        assert_eq!(heard(versions).lost, lost, "{versions:?}");
    }
}

#[test]
fn after_a_reset_the_picture_counts() {
    let (mut log, mut marks) = (Versions::default(), Marks::default());
    log.changed(order(), 1, &mut marks);
    log.reset();
    log.shown(order(), 5, &mut marks);
    log.changed(order(), 6, &mut marks);
    assert!(marks.faults.is_empty(), "{marks:?}");
    log.changed(order(), 8, &mut marks);
    assert_eq!(marks.lost, 1);
    log.shown(order(), 8, &mut marks);
    assert!(marks.wrong > 0, "a picture without a word of it");
}

#[test]
fn what_never_comes_is_lost_too_and_what_is_not_there_cannot_be_heard() {
    let (mut log, mut marks) = (Versions::default(), Marks::default());
    log.changed(order(), 1, &mut marks);
    log.close(&BTreeMap::from([(order(), 3), (Uuid::from_u128(2), 4)]), &mut marks);
    assert_eq!((marks.lost, marks.wrong), (6, 0));
    log.close(&BTreeMap::new(), &mut marks);
    assert_eq!(marks.wrong, 1);
}
