//! Means over random orders: against exact values, cut off or not, in pairs, and from a seed.

use backdraft_attribution::{
    NoStore,
    valuation::{
        ClosureGame, Parts, PermutationConfig, PermutationWalk, SampledValues, TruncatedWalk,
        Truncation,
    },
};
use backdraft_test_support::Outcome;

use super::{ROUNDING, assert_near, exact, worths};

const PLAYERS: usize = 6;

fn sampled(walk: &dyn PermutationWalk, config: &PermutationConfig) -> Outcome<SampledValues> {
    let found = config.run(walk, &Parts::new(&NoStore))?;
    Ok(found.whole().expect("it was not shared out"))
}

fn of(permutations: usize) -> PermutationConfig {
    PermutationConfig::new()
        .with_permutations(permutations)
        .with_convergence(None)
}

#[test]
fn every_permutation_that_is_not_cut_off_adds_up() -> Outcome {
    let game = ClosureGame::new(PLAYERS, worths(PLAYERS, 1));
    let walk = TruncatedWalk::new(&game, Truncation::Never)?;
    for seed in 0..20 {
        let found = sampled(&walk, &of(1).with_seed(seed))?;
        let sum: f64 = found.shapley.values.iter().sum();
        assert_near(&[sum], &[walk.all() - walk.empty()], ROUNDING);
        assert_eq!(found.looked_at, PLAYERS);
        assert_eq!(found.shapley.standard_errors, None);
        assert_eq!((found.permutations, found.converged), (1, false));
    }
    Ok(())
}

/// Of 4,000 draws no mean of six is five standard errors off but once in some hundred thousand; a seed is one draw.
#[test]
fn means_are_the_values_within_their_standard_errors() -> Outcome {
    let game = ClosureGame::new(PLAYERS, worths(PLAYERS, 2));
    let expected = exact(&game)?.values;
    let walk = TruncatedWalk::new(&game, Truncation::Never)?;
    for antithetic in [false, true] {
        let found = sampled(&walk, &of(4_000).with_antithetic(antithetic))?.shapley;
        let errors = found.standard_errors.unwrap();
        for (place, error) in errors.iter().enumerate() {
            let off = (found.values[place] - expected[place]).abs();
            assert!(off < 5.0 * error, "{place}: {off} with {error}");
            // Worths between -1 and 1 give differences of a deviation of about 0.8.
            assert!(*error > 1e-3 && *error < 0.03, "{error}");
        }
    }
    Ok(())
}

/// The deviation over all 120 orders, against the standard error of 5,000 of them.
#[test]
fn a_standard_error_is_the_deviation_over_the_root_of_the_number() -> Outcome {
    const FEW: usize = 5;
    let worth = worths(FEW, 9);
    let mut squares = [0.0; FEW];
    let mut sums = [0.0; FEW];
    let mut count = 0.0;
    each_order(&mut (0..FEW).collect(), 0, &mut |order: &[usize]| {
        let mut members = [false; FEW];
        for &player in order {
            let before = worth(&members);
            members[player] = true;
            let added = worth(&members) - before;
            sums[player] += added;
            squares[player] += added * added;
        }
        count += 1.0;
    });
    assert_eq!(count, 120.0);
    let game = ClosureGame::new(FEW, worth);
    let walk = TruncatedWalk::new(&game, Truncation::Never)?;
    let found = sampled(&walk, &of(5_000))?.shapley.standard_errors.unwrap();
    for (place, error) in found.iter().enumerate() {
        let mean = sums[place] / count;
        let expected = ((squares[place] / count - mean * mean) / 5_000.0).sqrt();
        // A deviation of 5,000 draws is known to about one percent.
        assert!((error / expected - 1.0).abs() < 0.05, "{error} {expected}");
    }
    Ok(())
}

fn each_order(order: &mut Vec<usize>, from: usize, tell: &mut impl FnMut(&[usize])) {
    if from == order.len() {
        return tell(order);
    }
    for place in from..order.len() {
        order.swap(from, place);
        each_order(order, from + 1, tell);
        order.swap(from, place);
    }
}

/// What a player adds to a square of sums grows with those before it: forwards and backwards it is the value itself.
#[test]
fn pairs_of_orders_are_exact_where_gains_are_even() -> Outcome {
    let shares = [0.3, -0.2, 0.5, 0.1, 0.7];
    let square = move |members: &[bool]| {
        let sum: f64 = shares
            .iter()
            .zip(members)
            .filter(|it| *it.1)
            .map(|it| it.0)
            .sum();
        sum * sum
    };
    let game = ClosureGame::new(5, square);
    let walk = TruncatedWalk::new(&game, Truncation::Never)?;
    let expected = exact(&game)?.values;
    let found = sampled(&walk, &of(4).with_antithetic(true))?.shapley;
    assert_near(&found.values, &expected, ROUNDING);
    assert_near(&found.standard_errors.unwrap(), &[0.0; 5], ROUNDING);
    let apart = sampled(&walk, &of(4))?.shapley;
    assert!(apart.standard_errors.unwrap().iter().any(|it| *it > 1e-3));
    Ok(())
}

#[test]
fn a_walk_is_cut_off_within_the_tolerance() -> Outcome {
    // Three of twelve players are enough for everything.
    let enough = |members: &[bool]| {
        let count = members.iter().filter(|it| **it).count();
        f64::from(count.min(3) as u32) / 3.0
    };
    let game = ClosureGame::new(12, enough);
    let walk = TruncatedWalk::new(&game, Truncation::Within(0.01))?;
    let found = sampled(&walk, &of(50))?;
    assert_eq!(found.looked_at, 3 * 50);
    let sum: f64 = found.shapley.values.iter().sum();
    assert_near(&[sum, found.shapley.all], &[1.0, 1.0], ROUNDING);
    // Two are enough within a third, and half of it.
    let walk = TruncatedWalk::new(&game, Truncation::Within(0.5))?;
    let found = sampled(&walk, &of(50))?;
    assert_eq!(found.looked_at, 2 * 50);
    assert_near(&[found.shapley.all], &[2.0 / 3.0], ROUNDING);
    Ok(())
}

#[test]
fn convergence_is_the_mean_relative_change_over_a_hundred() -> Outcome {
    let worth = worths(PLAYERS, 2);
    // The last player adds nothing ever: unchanged.
    let game = ClosureGame::new(PLAYERS + 1, move |it: &[bool]| worth(&it[..PLAYERS]));
    let walk = TruncatedWalk::new(&game, Truncation::Never)?;
    let found = sampled(&walk, &of(260))?;
    let at = |permutations| {
        Ok::<_, Box<dyn std::error::Error>>(sampled(&walk, &of(permutations))?.shapley.values)
    };
    assert_eq!(found.convergence[0].permutations, 110);
    assert_eq!(found.convergence.len(), 16);
    for (place, made) in [(0, 110), (15, 260)] {
        let (now, then) = (at(made)?, at(made - 100)?);
        let changes = now.iter().zip(&then).take(PLAYERS);
        let changes: f64 = changes.map(|(now, then)| ((now - then) / now).abs()).sum();
        let expected = changes / (PLAYERS + 1) as f64;
        assert_near(&[found.convergence[place].change], &[expected], ROUNDING);
    }
    let whole = sampled(&walk, &of(5_000).with_convergence(Some(0.02)))?;
    assert!(whole.converged && whole.permutations < 5_000);
    let changes: Vec<f64> = whole.convergence.iter().map(|it| it.change).collect();
    let (last, before) = changes.split_last().unwrap();
    assert!(*last < 0.02 && before.iter().all(|it| *it >= 0.02));
    // The first permutations of many are those of few.
    let same = sampled(&walk, &of(whole.permutations))?;
    assert_eq!(same.shapley, whole.shapley);
    Ok(())
}
