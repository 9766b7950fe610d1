//! Groups of examples as players.

use backdraft_attribution::valuation::{ClosureGame, Game, GroupGame, PlayerGroups};
use backdraft_test_support::Outcome;

use super::{ROUNDING, assert_near, exact, worths};

#[test]
fn groups_of_one_are_the_examples() -> Outcome {
    let game = ClosureGame::new(6, worths(6, 1));
    let groups = PlayerGroups::singles(6)?;
    let grouped = GroupGame::new(&game, &groups)?;
    assert_eq!(exact(&grouped)?.values, exact(&game)?.values);
    Ok(())
}

#[test]
fn a_group_adds_all_its_members_at_once() -> Outcome {
    let shares = [1.0, 2.0, 4.0, 8.0, 16.0];
    let sum = move |members: &[bool]| {
        let sum: f64 = shares
            .iter()
            .zip(members)
            .filter(|it| *it.1)
            .map(|it| it.0)
            .sum();
        sum.sqrt()
    };
    let game = ClosureGame::new(5, sum);
    // The example 2 is of no group, and in no coalition.
    let groups = PlayerGroups::new(vec![vec![3, 0], vec![1, 4]], 5)?;
    let grouped = GroupGame::new(&game, &groups)?;
    assert_eq!(grouped.players(), 2);
    let found = exact(&grouped)?;
    let [a, b, both] = [9.0_f64, 18.0, 27.0].map(f64::sqrt);
    let expected = [0.5 * (a + both - b), 0.5 * (b + both - a)];
    assert_near(&found.values, &expected, ROUNDING);
    assert_near(&[found.all], &[both], ROUNDING);
    Ok(())
}

#[test]
fn groups_divide_the_examples() -> Outcome {
    let of_classes = PlayerGroups::of_classes(&[2, 0, 2, 7])?;
    assert_eq!(of_classes.members(), [vec![1], vec![0, 2], vec![3]]);
    let random = PlayerGroups::random(11, 3, 5)?;
    let mut all = random.members().concat();
    all.sort_unstable();
    assert_eq!(all, (0..11).collect::<Vec<_>>());
    let sizes: Vec<usize> = random.members().iter().map(Vec::len).collect();
    assert_eq!(sizes, [4, 4, 3]);
    assert_eq!(random, PlayerGroups::random(11, 3, 5)?);
    assert_ne!(random, PlayerGroups::random(11, 3, 6)?);
    Ok(())
}
