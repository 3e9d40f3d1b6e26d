//! By hand, by counting out all draws, and on noise.

use proptest::prelude::*;

use super::*;
use crate::domain::plugin::perfdata;

const TIME: Measure = Measure {
    unit: "s",
    worse: Worse::Higher,
    floor: 0.01,
};

/// Pair by pair, without ranks.
fn u_by_pairs(before: &[f64], after: &[f64]) -> f64 {
    let mut u = 0.0;
    for late in after {
        for early in before {
            if early < late {
                u += 1.0;
            } else if early.to_bits() == late.to_bits() {
                u += 0.5;
            }
        }
    }
    u
}

/// All ways to choose which values are the later ones.
fn p_by_draws(before: &[f64], after: &[f64]) -> f64 {
    let all: Vec<f64> = before.iter().chain(after).copied().collect();
    let found = u_by_pairs(before, after);
    let (mut as_high, mut draws) = (0.0, 0.0);
    for mask in 0_u32..1 << all.len() {
        if mask.count_ones() as usize != after.len() {
            continue;
        }
        let pick = |late: bool| -> Vec<f64> {
            (0..all.len())
                .filter(|at| (mask >> at & 1 == 1) == late)
                .map(|at| all[at])
                .collect()
        };
        draws += 1.0;
        if found <= u_by_pairs(&pick(false), &pick(true)) {
            as_high += 1.0;
        }
    }
    as_high / draws
}

#[track_caller]
fn near(found: f64, wanted: f64, by: f64) {
    assert!((found - wanted).abs() <= by, "{found} is not {wanted}");
}

#[test]
fn u_by_hand() {
    for (before, after, u) in [
        (&[1.0, 2.0, 3.0][..], &[4.0, 5.0][..], 6.0),
        (&[4.0, 5.0], &[1.0, 2.0, 3.0], 0.0),
        // 2 beats 1 and ties twice; 3 beats three and ties once; 4 beats all.
        (&[1.0, 2.0, 2.0, 3.0], &[2.0, 3.0, 4.0], 2.0 + 3.5 + 4.0),
        (&[7.0, 7.0, 7.0], &[7.0, 7.0], 3.0),
    ] {
        near(mann_whitney(before, after), u, 1e-12);
    }
}

#[test]
fn p_by_hand_and_by_counting_out() {
    let eight: Vec<f64> = (1..=8).map(f64::from).collect();
    let five: Vec<f64> = (9..=13).map(f64::from).collect();
    // One draw of 13 choose 5.
    near(p_value(&eight, &five), 1.0 / 1287.0, 1e-12);
    // Of the six draws only 1, 1 has a lower U.
    near(p_value(&[1.0, 2.0], &[1.0, 2.0]), 5.0 / 6.0, 1e-12);
    for (before, after) in [
        (&[1.0, 2.0, 2.0, 3.0, 3.0][..], &[2.0, 3.0, 4.0, 4.0][..]),
        (&[0.1, 0.4, 0.2, 0.3, 0.5, 0.1], &[0.2, 0.6, 0.7, 0.5, 0.1]),
    ] {
        near(p_value(before, after), p_by_draws(before, after), 1e-12);
    }
}

#[test]
fn the_approximation_is_near_where_it_takes_over() {
    let before: Vec<f64> = (0..14).map(|n| f64::from(n % 7)).collect();
    for lift in [0.0, 1.0, 2.0, 3.0] {
        let after: Vec<f64> = (0..9).map(|n| f64::from(n % 5) + lift).collect();
        let (doubled, groups) = ranks(&before, &after);
        let u = doubled_u(&doubled, before.len());
        let counted = exact(&doubled, after.len(), u);
        near(p_value(&before, &after), counted, 0.012);
        near(
            approximate(14, 9, &groups, number(u) / 2.0),
            p_value(&before, &after),
            1e-12,
        );
    }
    near(upper_tail(0.0), 0.5, 1e-6);
    near(upper_tail(1.959_964), 0.025, 1e-6);
    near(upper_tail(3.090_232), 0.001, 1e-7);
    near(upper_tail(-1.959_964), 0.975, 1e-6);
}

#[test]
fn four_times_as_slow_is_worse_and_says_how_much() {
    let before = [0.11, 0.12, 0.13, 0.12, 0.11, 0.12, 0.13, 0.12];
    let after = [0.47, 0.48, 0.49, 0.48, 0.5];
    let Shift::Worse {
        before,
        after,
        ratio,
        p,
        effect,
    } = compare(&before, &after, TIME)
    else {
        panic!("it got worse");
    };
    assert_eq!(
        show_change(before, after, "s"),
        "0.12 s to 0.48 s (4.0 times)"
    );
    near(ratio, 4.0, 1e-9);
    near(p, 1.0 / 1287.0, 1e-12);
    near(effect, 1.0, 1e-12);
}

#[test]
fn small_rare_and_passing_changes_are_none() {
    let ten = |value: f64| vec![value; 10];
    // Constant before and after: every rank moved, but by a fifth only, or by two milliseconds.
    assert_eq!(compare(&ten(1.0), &ten(1.2), TIME), Shift::Same);
    assert_eq!(compare(&ten(0.001), &ten(0.003), TIME), Shift::Same);
    // Better is not worse.
    assert_eq!(compare(&ten(1.0), &ten(0.2), TIME), Shift::Same);
    // One outlier.
    let mut one = ten(0.1);
    one[4] = 9.0;
    assert_eq!(compare(&ten(0.1), &one, TIME), Shift::Same);
    // It was slow and is not any more.
    let mut gone = ten(0.5);
    gone.extend([0.1, 0.1, 0.1]);
    assert_eq!(compare(&ten(0.1), &gone, TIME), Shift::Gone);
    // Errors out of nothing.
    let errors = Measure {
        unit: "",
        worse: Worse::Higher,
        floor: 1.0,
    };
    assert!(
        matches!(compare(&ten(0.0), &ten(5.0), errors), Shift::Worse { ratio, .. } if ratio.is_infinite())
    );
    // Free space where a threshold says that little is bad.
    let free = Measure {
        unit: "%",
        worse: Worse::Lower,
        floor: 5.0,
    };
    assert!(matches!(
        compare(&ten(60.0), &ten(20.0), free),
        Shift::Worse { .. }
    ));
    assert_eq!(compare(&ten(20.0), &ten(60.0), free), Shift::Same);
}

#[test]
fn too_little_is_never_the_same() {
    for (before, after) in [(0, 0), (7, 30), (30, 4), (30, 0)] {
        assert_eq!(
            compare(&vec![1.0; before], &vec![1.0; after], TIME),
            Shift::TooLittle { before, after }
        );
    }
    assert_eq!(beyond(&[1.0; 4], &[1.0; 9], 1.0, TIME), None);
    assert_eq!(beyond(&[1.0; 9], &[1.0; 4], 1.0, TIME), None);
}

#[test]
fn a_shift_that_controls_share_is_not_beyond_them() {
    let up = [0.36, 0.35, 0.37, 0.36, 0.36, 0.38];
    let still = [0.0, 0.01, -0.01, 0.0, 0.0, 0.01];
    assert_eq!(beyond(&up, &still, 0.12, TIME), Some(true));
    assert_eq!(beyond(&up, &up, 0.12, TIME), Some(false));
    assert_eq!(beyond(&still, &up, 0.12, TIME), Some(false));
}

#[test]
fn what_a_label_means() {
    let of = |text: &str| {
        let metrics = perfdata::parse(text);
        measure(&metrics[0])
            .map(|(value, measure)| format!("{value:.4} {} {:?}", measure.unit, measure.worse))
    };
    for (text, wanted) in [
        ("time=480ms", Some("0.4800 s Higher")),
        ("time=0.48s;1;2;0", Some("0.4800 s Higher")),
        ("rta=500us", Some("0.0005 s Higher")),
        ("time=0.48", Some("0.4800  Higher")),
        ("errors=3", Some("3.0000  Higher")),
        ("pl=3%;20;60", Some("3.0000 % Higher")),
        ("free=3%", None),
        ("free=3%;20:;10:", Some("3.0000 % Lower")),
        (
            "/=2643MB;5948;5958;0;5968",
            Some("2643000000.0000 B Higher"),
        ),
        ("band=3;10:20", None),
        ("size=3B", None),
        ("users=3", None),
        ("requests=3c", None),
        ("uptime=3s", None),
        ("time=U", None),
    ] {
        assert_eq!(of(text).as_deref(), wanted, "{text}");
    }
}

#[test]
fn numbers_as_people_write_them() {
    for (value, unit, wanted) in [
        (0.12, "s", "0.12 s"),
        (0.0123, "s", "0.0123 s"),
        (12.345, "s", "12.3 s"),
        (20.0, "%", "20%"),
        (2_643_000_000.0, "B", "2.64 GB"),
        (0.0, "", "0"),
        (450.0, "", "450"),
    ] {
        assert_eq!(show(value, unit), wanted);
    }
    assert_eq!(show_change(0.0, 5.0, ""), "0 to 5");
}

/// Small and the same everywhere: xorshift.
struct Noise(u64);

impl Noise {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        f64::from(u32::try_from(self.0 >> 32).expect("32 bits")).max(1.0) / 4_294_967_296.0
    }

    fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// Nothing changes; how often is it called worse?
fn called_worse(
    trials: u32,
    (before, after): (usize, usize),
    mut next: impl FnMut(&mut Noise) -> f64,
) -> f64 {
    let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
    let mut worse = 0;
    for _ in 0..trials {
        let old: Vec<f64> = (0..before).map(|_| next(&mut noise)).collect();
        let new: Vec<f64> = (0..after).map(|_| next(&mut noise)).collect();
        worse += u32::from(matches!(compare(&old, &new, TIME), Shift::Worse { .. }));
    }
    f64::from(worse) / f64::from(trials)
}

#[test]
fn noise_is_seldom_called_worse() {
    let sizes = [(8, 5), (30, 5), (30, 30)];
    for size in sizes {
        let calm = called_worse(4000, size, |noise| {
            0.1f64.mul_add(noise.bell(), 1.0).max(0.01)
        });
        // Latencies have a long tail: some are ten times the middle.
        let wild = called_worse(4000, size, |noise| -noise.unit().ln());
        let coarse = called_worse(4000, size, |noise| (-noise.unit().ln() * 4.0).round() / 4.0);
        let mut level = 0.0;
        // Each value leans on the one before: ranks are promised for independent ones only.
        let leaning = called_worse(4000, size, |noise| {
            level = 0.5f64.mul_add(level, noise.bell());
            (0.5 * level).exp()
        });
        println!("{size:?}: calm {calm}, wild {wild}, coarse {coarse}, leaning {leaning}");
        assert!(
            calm <= 0.0005 && wild <= 0.002 && coarse <= 0.002,
            "{size:?}"
        );
        assert!(leaning <= 0.02, "{size:?}: {leaning}");
    }
}

fn values() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((0_i32..40).prop_map(|n| f64::from(n) / 4.0), 1..14)
}

proptest! {
    #[test]
    fn swapped_labels_give_the_other_pairs(a in values(), b in values()) {
        let pairs = number(a.len()) * number(b.len());
        prop_assert!((mann_whitney(&a, &b) + mann_whitney(&b, &a) - pairs).abs() < 1e-9);
        prop_assert!((mann_whitney(&a, &b) - u_by_pairs(&a, &b)).abs() < 1e-9);
        // Never both ways.
        let worse = |a: &[f64], b: &[f64]| matches!(compare(a, b, TIME), Shift::Worse { .. });
        prop_assert!(!(worse(&a, &b) && worse(&b, &a)));
    }

    #[test]
    fn the_same_values_are_never_worse(a in values()) {
        let shift = compare(&a, &a, TIME);
        prop_assert!(
            matches!(shift, Shift::Same | Shift::TooLittle { .. }),
            "{:?}", shift
        );
    }

    #[test]
    fn only_the_order_counts(a in values(), b in values()) {
        let bent = |values: &[f64]| -> Vec<f64> {
            values.iter().map(|value| (value / 3.0).exp()).collect()
        };
        prop_assert!((mann_whitney(&a, &b) - mann_whitney(&bent(&a), &bent(&b))).abs() < 1e-9);
        prop_assert!((p_value(&a, &b) - p_value(&bent(&a), &bent(&b))).abs() < 1e-9);
    }

    #[test]
    fn a_p_value_is_a_share(a in values(), b in values()) {
        let p = p_value(&a, &b);
        prop_assert!((0.0..=1.0 + 1e-9).contains(&p), "{}", p);
    }
}
