//! What breaks, and when: by a seed, so that a plan can be had again.

use std::time::Duration;

/// Random numbers of a seed (SplitMix64): the same seed gives the same ones.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// Those of one who is told from others by `number`.
    pub(super) const fn new(seed: u64, number: u64) -> Self {
        // two numbers of the same seed must not begin close to each other
        let mut dice = Self(seed ^ number.wrapping_mul(0xD1B5_4A32_D192_ED03));
        dice.next();
        dice
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `count`, which is above zero.
    pub(super) fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count as u64).unwrap()
    }

    /// Whether one of `count` chances has come up.
    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// One of `all`.
    pub(super) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// So many milliseconds, from `least` to just below `most`.
    pub(super) fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(least + self.next() % (most - least))
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.below(last + 1));
        }
    }
}

/// Something that breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Blow {
    /// An instance is killed, and started again after a while.
    Kill(usize),
    /// Redis is killed, and another, empty one takes its place after a while.
    Redis,
    /// These networks drop every connection that is on them.
    Cut(Vec<usize>),
}

/// A blow, and the time around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Strike {
    /// How long all is well before.
    pub(super) calm: Duration,
    /// What breaks.
    pub(super) blow: Blow,
    /// How long what was killed stays away.
    pub(super) outage: Duration,
}

/// The strikes of a storm that takes about as long as `length`; each kind at least once.
pub(super) fn plan(seed: u64, instances: usize, networks: usize, length: Duration) -> Vec<Strike> {
    let mut dice = Dice::new(seed, 0);
    let mut strikes = Vec::new();
    let mut time = Duration::ZERO;
    while time < length || strikes.len() < 4 {
        let mut cut: Vec<usize> = (0..networks).collect();
        dice.shuffle(&mut cut);
        cut.truncate(1 + dice.below(networks.div_ceil(2)));
        let [one, other] = [(); 2].map(|()| Blow::Kill(dice.below(instances)));
        let mut round = [one, Blow::Cut(cut), Blow::Redis, other];
        dice.shuffle(&mut round);
        for blow in round {
            let strike = Strike { calm: dice.millis(1_000, 3_000), blow, outage: dice.millis(200, 1_500) };
            time += strike.calm + strike.outage;
            strikes.push(strike);
        }
    }
    strikes
}

#[test]
fn a_seed_gives_the_same_plan_again_and_another_seed_another() {
    let plan = |seed| plan(seed, 3, 8, Duration::from_mins(2));
    assert_eq!(plan(1), plan(1));
    assert_ne!(plan(1), plan(2));
}

#[test]
fn every_plan_has_everything() {
    for seed in 0..100 {
        let strikes = plan(seed, 2, 6, Duration::ZERO);
        let count = |is: fn(&Blow) -> bool| strikes.iter().filter(|strike| is(&strike.blow)).count();
        assert_eq!(count(|blow| matches!(blow, Blow::Kill(0 | 1))), 2);
        assert_eq!(count(|blow| *blow == Blow::Redis), 1);
        assert_eq!(count(|blow| matches!(blow, Blow::Cut(networks) if (1..=3).contains(&networks.len()))), 1);
    }
}
