//! R-hat and effective sample sizes, against another implementation and known series.

use backdraft_influence::bayes::{Convergence, bulk_ess, r_hat, tail_ess};
use backdraft_test_support::numbers;

/// Chains `x <- rho x + e` of made-up numbers.
fn chains(count: usize, draws: usize, rho: f64) -> Vec<Vec<f64>> {
    let chain = |k: usize| {
        let mut x = 0.0;
        let next = |e: f64| {
            x = rho * x + e;
            x
        };
        numbers(draws, 11 + k as u64)
            .into_iter()
            .map(next)
            .collect()
    };
    (0..count).map(chain).collect()
}

/// What ArviZ 0.23.4 says of the same numbers (`rhat(.., method="rank")`, `ess(.., method="bulk")` and `"tail"`).
#[test]
fn diagnostics_are_those_of_arviz() {
    let mut shifted = chains(3, 40, 0.5);
    let mut wide = shifted.clone();
    shifted[1].iter_mut().for_each(|x| *x += 1.5);
    wide[1].iter_mut().for_each(|x| *x *= 4.0);
    let known = [
        (
            chains(3, 41, 0.7),
            1.156_591_107_376,
            14.757_657_314_1,
            83.683_516_483_5,
        ),
        (
            chains(2, 30, -0.5),
            0.992_175_428_072,
            106.689_075_023,
            79.141_104_294_5,
        ),
        (
            chains(4, 200, 0.9),
            1.072_559_115_927,
            42.666_722_719_8,
            155.381_041_062,
        ),
        (
            shifted,
            1.603_104_783_922,
            6.358_128_286_67,
            64.330_853_222_5,
        ),
        (wide, 1.328_558_844_019, 37.132_101_273_3, 35.162_142_178_1),
    ];
    for (chains, expected, bulk, tail) in known {
        let found = Convergence::of(&chains);
        let pairs = [
            (found.r_hat, expected),
            (found.bulk_ess, bulk),
            (found.tail_ess, tail),
        ];
        for (found, expected) in pairs {
            // Quantiles of the normal distribution to seven digits, which sums of products lose a few of.
            let error = (found.unwrap() / expected - 1.0).abs();
            assert!(error < 1e-5, "{found:?}, not {expected}");
        }
    }
}

#[test]
fn a_chain_of_known_correlation_is_worth_what_theory_says() {
    let (count, draws) = (4, 10_000);
    for rho in [0.0_f64, 0.5, 0.9] {
        let found = Convergence::of(&chains(count, draws, rho));
        // The variance of the mean of such a series is that of so many independent numbers.
        let expected = (count * draws) as f64 * (1.0 - rho) / (1.0 + rho);
        let bulk = found.bulk_ess.unwrap();
        // The estimate has an error of its own, and ranks are not the numbers.
        assert!(
            (bulk / expected - 1.0).abs() < 0.12,
            "{rho}: {bulk}, not {expected}"
        );
        assert!(found.r_hat.unwrap() < 1.01);
        assert!(found.is_good(count));
    }
}

#[test]
fn stuck_chains_are_seen() {
    let stuck = [vec![1.0; 20], vec![2.0; 20]];
    assert_eq!(r_hat(&stuck), Some(f64::INFINITY));
    assert!(bulk_ess(&stuck).unwrap() < 5.0);
    assert!(!Convergence::of(&stuck).is_good(2));
    // One that is elsewhere, one that is on its way, and one that only goes wider.
    let mut elsewhere = chains(4, 500, 0.2);
    let (mut moving, mut wide) = (elsewhere.clone(), elsewhere.clone());
    elsewhere[2].iter_mut().for_each(|x| *x += 3.0);
    for (place, x) in moving.iter_mut().flat_map(|it| it.iter_mut().enumerate()) {
        *x += 0.01 * place as f64;
    }
    wide[0].iter_mut().for_each(|x| *x *= 5.0);
    for chains in [elsewhere, moving, wide] {
        let found = r_hat(&chains).unwrap();
        assert!(found > 1.05, "{found}");
        assert!(!Convergence::of(&chains).is_good(4));
    }
}

#[test]
fn where_nothing_can_be_said_nothing_is() {
    let nothing = Convergence {
        r_hat: None,
        bulk_ess: None,
        tail_ess: None,
    };
    let none: [Vec<Vec<f64>>; 6] = [
        Vec::new(),
        vec![vec![]],
        vec![vec![1.0; 50]; 4],
        vec![numbers(7, 1), numbers(7, 2)],
        vec![numbers(20, 1), numbers(21, 2)],
        vec![[numbers(20, 1), vec![f64::NAN]].concat()],
    ];
    for chains in none {
        assert_eq!(Convergence::of(&chains), nothing);
        assert_eq!(tail_ess(&chains), None);
    }
    assert!(!nothing.is_good(1));
    // A single chain is held against itself.
    assert!(r_hat(&chains(1, 60, 0.3)).is_some());
}
