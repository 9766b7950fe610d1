//! Performance as players are removed, the highest values first or the lowest, and leave-one-out values.

use backdraft_attribution::{
    NoStore,
    valuation::{ClosureGame, CurveConfig, Game, Parts, leave_one_out},
};
use backdraft_test_support::Outcome;

use super::{ROUNDING, assert_near};

/// Each player adds a number of its own.
fn shares() -> (Vec<f64>, impl Game) {
    let shares: Vec<f64> = (0..10).map(|i| f64::from((7 * i) % 10) - 3.0).collect();
    let own = shares.clone();
    let sum = move |members: &[bool]| {
        let of = own.iter().zip(members).filter(|it| *it.1);
        of.map(|it| it.0).sum::<f64>()
    };
    (shares, ClosureGame::new(10, sum))
}

#[test]
fn what_is_taken_first_is_missing_first() -> Outcome {
    let (shares, game) = shares();
    let config = CurveConfig::new().with_steps(5);
    let parts = Parts::new(&NoStore);
    let found = config.run(&game, &shares, &parts)?.whole().unwrap();
    assert_eq!(found.removed, [0, 2, 4, 6, 8, 10]);
    // -3 to 6 in all, which are 15; two of the highest are 11.
    assert_near(
        &found.highest_first,
        &[15.0, 4.0, -3.0, -6.0, -5.0, 0.0],
        ROUNDING,
    );
    assert_near(
        &found.lowest_first,
        &[15.0, 20.0, 21.0, 18.0, 11.0, 0.0],
        ROUNDING,
    );
    Ok(())
}

#[test]
fn random_orders_are_means_of_several() -> Outcome {
    let (_, game) = shares();
    let config = CurveConfig::new().with_steps(50).with_orders(400);
    let parts = Parts::new(&NoStore);
    let found = config.random(&game, &parts)?.whole().unwrap();
    // No more steps than players.
    assert_eq!(found.removed, (0..=10).collect::<Vec<_>>());
    assert_near(&[found.mean[0], found.std[0]], &[15.0, 0.0], ROUNDING);
    assert_near(&[found.mean[10], found.std[10]], &[0.0, 0.0], ROUNDING);
    // Half of ten numbers of the variance 8.25, drawn without return, have the deviation 4.8 and their mean 0.24.
    assert!((found.mean[5] - 7.5).abs() < 1.2, "{}", found.mean[5]);
    assert!(
        (found.std[5] / 4.787 - 1.0).abs() < 0.15,
        "{}",
        found.std[5]
    );
    let one = config
        .with_orders(1)
        .random(&game, &parts)?
        .whole()
        .unwrap();
    assert!(one.std.iter().all(|it| *it == 0.0));
    Ok(())
}

#[test]
fn leaving_one_out_is_what_each_adds_to_all_others() -> Outcome {
    let (shares, game) = shares();
    let found = leave_one_out(&game, &Parts::new(&NoStore))?
        .whole()
        .unwrap();
    assert_near(&found, &shares, ROUNDING);
    // Of the larger of two numbers neither alone is missed.
    let any = |members: &[bool]| f64::from(members[0] || members[1]);
    let game = ClosureGame::new(2, any);
    let found = leave_one_out(&game, &Parts::new(&NoStore))?
        .whole()
        .unwrap();
    assert_eq!(found, [0.0, 0.0]);
    Ok(())
}
