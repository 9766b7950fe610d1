//! Values over all coalitions: efficiency, symmetry, null players, linearity, and games whose values are known.

use backdraft_attribution::valuation::ClosureGame;
use backdraft_test_support::Outcome;

use super::{ROUNDING, assert_near, exact, worths};

const PLAYERS: usize = 8;

#[test]
fn values_add_up_to_what_all_gain() -> Outcome {
    for players in [1, 2, 5, PLAYERS] {
        let worth = worths(players, 7);
        let found = exact(&ClosureGame::new(players, worth.clone()))?;
        assert_eq!(found.empty, worth(&vec![false; players]));
        assert_eq!(found.all, worth(&vec![true; players]));
        let sum: f64 = found.values.iter().sum();
        assert_near(&[sum], &[found.all - found.empty], ROUNDING);
        assert_eq!(found.standard_errors, None);
    }
    Ok(())
}

#[test]
fn players_that_add_alike_have_the_same_value() -> Outcome {
    let worth = worths(PLAYERS, 3);
    // Of the players 2 and 5 only the number matters.
    let alike = move |members: &[bool]| {
        let mut members = members.to_vec();
        if members[2] != members[5] {
            (members[2], members[5]) = (true, false);
        }
        worth(&members)
    };
    let found = exact(&ClosureGame::new(PLAYERS, alike))?;
    assert_near(&[found.values[2]], &[found.values[5]], ROUNDING);
    assert!((found.values[2] - found.values[3]).abs() > 1e-3);
    Ok(())
}

#[test]
fn a_player_that_adds_nothing_is_worth_nothing() -> Outcome {
    let worth = worths(PLAYERS - 1, 4);
    let found = exact(&ClosureGame::new(PLAYERS, move |it: &[bool]| {
        worth(&it[1..])
    }))?;
    assert_near(&found.values[..1], &[0.0], ROUNDING);
    Ok(())
}

#[test]
fn the_values_of_a_sum_are_the_sum_of_values() -> Outcome {
    let (a, b) = (worths(PLAYERS, 5), worths(PLAYERS, 6));
    let both = {
        let (a, b) = (a.clone(), b.clone());
        move |it: &[bool]| 2.0 * a(it) - 3.0 * b(it)
    };
    let sum = exact(&ClosureGame::new(PLAYERS, both))?.values;
    let a = exact(&ClosureGame::new(PLAYERS, a))?.values;
    let b = exact(&ClosureGame::new(PLAYERS, b))?.values;
    let expected: Vec<f64> = a.iter().zip(b).map(|(a, b)| 2.0 * a - 3.0 * b).collect();
    assert_near(&sum, &expected, ROUNDING);
    Ok(())
}

/// The airport game (Littlechild & Owen 1973): a runway as long as its largest user needs, each stretch shared by those
/// that need it.
#[test]
fn a_runway_is_shared_by_those_that_need_it() -> Outcome {
    let costs = [1.0, 2.0, 2.0, 5.0];
    let longest = move |members: &[bool]| {
        let used = costs.iter().zip(members).filter(|it| *it.1);
        used.fold(0.0_f64, |most, (cost, _)| most.max(*cost))
    };
    let found = exact(&ClosureGame::new(4, longest))?;
    let [first, second] = [1.0 / 4.0, 1.0 / 4.0 + 1.0 / 3.0];
    assert_near(
        &found.values,
        &[first, second, second, second + 3.0],
        ROUNDING,
    );
    Ok(())
}
