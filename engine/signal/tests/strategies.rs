//! The reference strategies at a venue where everything goes wrong that can.

mod common;

use common::{Arena, LOT, Rules, Seen};
use nofx_model::{FEATURE_NAMES, FEATURES, LinearModel, Term};
use nofx_signal::{Entry, Imbalance, ImbalanceConfig, Maker, MakerConfig, Strategy as _};
use nofx_types::{InstrumentId, UpdateKind};
use proptest::prelude::*;

const IDS: [InstrumentId; 3] = [InstrumentId(5), InstrumentId(2), InstrumentId(7999)];

fn run<S: nofx_signal::Strategy>(strategy: S, position_max: i64, passive: bool, seed: u64) -> Seen {
    let mut arena = Arena::new(strategy, Rules { position_max, passive }, seed);
    arena.run(4_000);
    arena.seen
}

fn run_maker(config: MakerConfig, seed: u64) -> Seen {
    // A fill while a replace is under way may add one quote to the largest position.
    let most = LOT * i64::from(config.max_inventory_lots + config.size_lots);
    run(Maker::new(config, &IDS, 8_000).expect("a good configuration"), most, true, seed)
}

/// Expects the mid to move towards the lighter side, by up to a tick.
fn imbalance_model() -> LinearModel {
    let mut terms = [Term { weight: 0.0, mean: 0.0, scale: 1.0 }; FEATURES];
    terms[0].weight = 0.7;
    terms[1].weight = 0.3;
    assert_eq!(FEATURE_NAMES[..2], ["touch_imbalance", "depth_imbalance"]);
    LinearModel::new(0.0, &terms).expect("finite numbers")
}

fn run_imbalance(config: ImbalanceConfig, seed: u64) -> Seen {
    let lots = match config.entry {
        Entry::Take => config.max_position_lots,
        Entry::Join => config.max_position_lots + config.size_lots,
    };
    let passive = config.entry == Entry::Join;
    let model = imbalance_model();
    let strategy = Imbalance::new(config, model, &IDS, 8_000).expect("a good configuration");
    run(strategy, LOT * i64::from(lots), passive, seed)
}

fn any_maker() -> impl Strategy<Value = MakerConfig> {
    let lots = (1u32..5, 0u32..6);
    let shape = (0u32..3, 0u32..200, 0u32..3);
    let pace = (0u64..5_000_000, any::<bool>());
    (lots, shape, pace).prop_map(|((size, extra), (offset, skew, near), (requote_ns, replace))| {
        MakerConfig {
            size_lots: size,
            offset_ticks: offset,
            max_inventory_lots: size + extra,
            skew_centiticks_per_lot: skew,
            hysteresis_ticks: near,
            requote_ns,
            retry_ns: 2_000_000,
            replace,
            post_only: true,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn maker_keeps_the_rules(config in any_maker(), seed in any::<u64>()) {
        run_maker(config, seed);
    }

    #[test]
    fn imbalance_keeps_the_rules(
        join in any::<bool>(),
        (size_lots, extra) in (1u32..4, 0u32..4),
        pause_ns in 0u64..20_000_000,
        seed in any::<u64>(),
    ) {
        let entry = if join { Entry::Join } else { Entry::Take };
        let max_position_lots = size_lots + extra;
        let mut config = ImbalanceConfig { entry, size_lots, max_position_lots, ..Default::default() };
        (config.pause_ns, config.retry_ns, config.enter_ticks) = (pause_ns, 1_000_000, 0.3);
        run_imbalance(config, seed);
    }
}

fn words_of(strategy: &impl nofx_signal::Strategy) -> Vec<i64> {
    (0..strategy.parameters().len()).map(|index| strategy.parameter(index)).collect()
}

proptest! {
    #[test]
    fn parameters_that_were_set_are_as_if_configured(config in any_maker()) {
        let maker = |config| Maker::new(config, &IDS, 8_000).expect("a good configuration");
        let mut set = maker(MakerConfig::default());
        let words = words_of(&maker(config));
        prop_assert_eq!(set.set_parameters(&words), Ok(()));
        prop_assert_eq!(format!("{set:?}"), format!("{:?}", maker(config)));
    }
}

#[test]
fn parameters_that_contradict_each_other_change_nothing_and_name_one() {
    let mut maker = Maker::new(MakerConfig::default(), &IDS, 8_000).expect("defaults");
    let before = format!("{maker:?}");
    let at = |name: &str| {
        let parameters = Maker::new(MakerConfig::default(), &IDS, 8_000).expect("defaults");
        parameters.parameters().iter().position(|p| p.name == name).expect("a key")
    };
    let mut words = words_of(&maker);
    words[at("size_lots")] = 11; // above the position of ten
    words[at("offset_ticks")] = 7;
    assert_eq!(maker.set_parameters(&words), Err(at("max_inventory_lots")));
    assert_eq!(format!("{maker:?}"), before);

    let config = ImbalanceConfig { weights: "a/file".into(), ..Default::default() };
    let model = imbalance_model();
    let mut taker = Imbalance::new(config, model, &IDS, 8_000).expect("defaults");
    let before = format!("{taker:?}");
    let mut words = words_of(&taker);
    words[2] = 0.5f64.to_bits() as i64; // exit at the entry
    assert_eq!(taker.set_parameters(&words), Err(2));
    assert_eq!(format!("{taker:?}"), before);
    words[2] = 0.25f64.to_bits() as i64;
    words[0] = 1;
    assert_eq!(taker.set_parameters(&words), Ok(()));
    assert_eq!(words_of(&taker), words);
    assert!(format!("{taker:?}").contains("a/file"));
}

#[test]
fn another_model_decides_otherwise_and_no_words_bring_the_first_one_back() {
    let new = || Imbalance::new(Default::default(), imbalance_model(), &IDS, 8_000).expect("good");
    let mut taker = new();
    let terms = [Term { weight: 0.0, mean: 0.0, scale: 1.0 }; FEATURES];
    let words = LinearModel::words_of(9.0, &terms);
    assert_eq!(taker.set_model(&words), Ok(()));
    assert_ne!(format!("{taker:?}"), format!("{:?}", new()));
    assert_eq!(taker.set_model(&words[1..]), Err(0));
    assert_eq!(taker.set_model(&[]), Ok(()));
    assert_eq!(format!("{taker:?}"), format!("{:?}", new()));
}

/// A venue that has no replace is never asked for one, and quotes move all the same.
#[test]
fn without_replace_orders_are_cancelled_and_entered_anew() {
    let mut seen = Seen::default();
    for seed in 0..40 {
        let replace = false;
        let maker = MakerConfig { requote_ns: 0, retry_ns: 1, replace, ..Default::default() };
        seen.add(&run_maker(maker, seed));
        let entry = Entry::Join;
        let mut config =
            ImbalanceConfig { entry, pause_ns: 0, retry_ns: 1, replace, ..Default::default() };
        config.enter_ticks = 0.3;
        seen.add(&run_imbalance(config, seed));
    }
    let [new, replace, cancel] = seen.intents;
    assert_eq!(replace, 0, "{seen:?}");
    assert!(new > 500 && cancel > 500, "{seen:?}");
}

/// The runs above would pass if nothing happened: here, everything must have.
#[test]
fn every_outcome_is_met() {
    let mut maker = Seen::default();
    let mut taker = Seen::default();
    for seed in 0..200 {
        let size_lots = 1 + seed as u32 % 3;
        let pace = MakerConfig { requote_ns: 0, retry_ns: 1, size_lots, ..Default::default() };
        maker.add(&run_maker(MakerConfig { max_inventory_lots: 3, ..pace }, seed));
        let entry = if seed % 2 == 0 { Entry::Take } else { Entry::Join };
        let mut config = ImbalanceConfig { entry, pause_ns: 0, retry_ns: 1, ..Default::default() };
        (config.enter_ticks, config.max_position_lots) = (0.3, 2);
        taker.add(&run_imbalance(config, seed));
    }
    for seen in [&maker, &taker] {
        println!("{seen:?}");
        assert!(seen.intents.iter().all(|count| *count > 500), "{seen:?}");
        let kinds = seen.updates.iter().enumerate();
        let never = [UpdateKind::Broken as usize, UpdateKind::Unreserved as usize];
        for (kind, count) in kinds.filter(|(kind, _)| !never.contains(kind)) {
            assert!(*count > 50, "update kind {kind}: {seen:?}");
        }
        let races = [seen.fills_while_pending, seen.dead_letters, seen.quiet_events];
        assert!(races.iter().all(|count| *count > 50), "{seen:?}");
    }
    assert!(taker.iocs > 500 && taker.at_cap > 0, "{taker:?}");
}

#[test]
fn two_runs_agree() {
    let maker = || run_maker(MakerConfig::default(), 11);
    let taker = || run_imbalance(ImbalanceConfig::default(), 11);
    assert_eq!((maker(), taker()), (maker(), taker()));
}
