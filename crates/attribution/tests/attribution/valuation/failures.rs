//! Games, settings and performances that there is no value of, and what is said of them.

use backdraft_attribution::{
    NoStore, RetrainError,
    valuation::{
        ClosureGame, CurveConfig, ExactConfig, GradientWalk, GroupGame, KnnConfig, Parts,
        Performance, PermutationConfig, PlayerGroups, RetrainGame, TestPerformance, TruncatedWalk,
        Truncation, ValuationError, leave_one_out,
    },
};
use backdraft_influence::closed::DenseMatrix;
use backdraft_test_support::{Outcome, vector};
use burn::tensor::Tensor;

use crate::common::{INPUTS, LeastSquares};

fn told<T>(found: Result<T, ValuationError>) -> String {
    match found {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_game_needs_players() {
    let game = ClosureGame::new(0, |_: &[bool]| 0.0);
    let parts = Parts::new(&NoStore);
    let all = [
        told(ExactConfig::new().run(&game, &parts)),
        told(TruncatedWalk::new(&game, Truncation::Never)),
        told(leave_one_out(&game, &parts)),
        told(CurveConfig::new().run(&game, &[], &parts)),
        told(PlayerGroups::new(Vec::new(), 3)),
        told(PlayerGroups::singles(0)),
    ];
    for it in all {
        assert!(it.contains("give at least one"), "{it}");
    }
}

#[test]
fn too_many_players_are_told_with_their_number() {
    let parts = Parts::new(&NoStore);
    for (players, most) in [(17, 16), (64, 100), (1_000_000, 1_000_000)] {
        let game = ClosureGame::new(players, |_: &[bool]| 0.0);
        let told = told(ExactConfig::new().with_most(most).run(&game, &parts));
        assert!(told.contains(&players.to_string()), "{told}");
        assert!(told.contains("permutations"), "{told}");
    }
}

#[test]
fn no_number_is_no_performance() -> Outcome {
    let game = ClosureGame::new(4, |it: &[bool]| match it[2] && !it[0] {
        true => f64::NAN,
        false => 0.5,
    });
    let parts = Parts::new(&NoStore);
    let walk = TruncatedWalk::new(&game, Truncation::Never)?;
    for it in [
        told(ExactConfig::new().run(&game, &parts)),
        told(PermutationConfig::new().run(&walk, &parts)),
        told(leave_one_out(&game, &parts)),
        told(CurveConfig::new().random(&game, &parts)),
    ] {
        assert!(it.contains("of 4 players is NaN"), "{it}");
    }
    let told = told(CurveConfig::new().run(&game, &[0.0, f64::NAN, 0.0, 0.0], &parts));
    assert!(told.contains("hold NaN"), "{told}");
    Ok(())
}

#[test]
fn settings_that_make_no_sense_are_refused() -> Outcome {
    let game = ClosureGame::new(4, |_: &[bool]| 0.5);
    let walk = TruncatedWalk::new(&game, Truncation::Never)?;
    let parts = Parts::new(&NoStore);
    let config = PermutationConfig::new;
    for (setting, refused) in [
        ("permutations", config().with_permutations(0)),
        (
            "permutations",
            config().with_permutations(7).with_antithetic(true),
        ),
        ("convergence", config().with_convergence(Some(f64::NAN))),
        ("convergence", config().with_convergence(Some(0.0))),
    ] {
        let told = told(refused.run(&walk, &parts));
        assert!(told.contains(setting), "{told}");
    }
    for tolerance in [-1.0, f64::NAN, f64::INFINITY] {
        let told = told(TruncatedWalk::new(&game, Truncation::Within(tolerance)));
        assert!(told.contains("truncation"), "{told}");
    }
    let noise = told(TruncatedWalk::new(&game, Truncation::Noise));
    assert!(noise.contains("give a tolerance"), "{noise}");
    let steps = told(CurveConfig::new().with_steps(0).random(&game, &parts));
    assert!(steps.contains("steps"), "{steps}");
    let orders = told(CurveConfig::new().with_orders(0).random(&game, &parts));
    assert!(orders.contains("orders"), "{orders}");
    let values = told(CurveConfig::new().run(&game, &[1.0], &parts));
    assert!(values.contains("values are 1, and must be 4"), "{values}");
    Ok(())
}

#[test]
fn groups_are_checked() -> Outcome {
    for (members, problem) in [
        (vec![vec![0], vec![]], "no members in group 1"),
        (vec![vec![0, 3]], "names example 3"),
        (vec![vec![0, 1], vec![1]], "names example 1 twice"),
    ] {
        let told = told(PlayerGroups::new(members, 3));
        assert!(told.contains(problem), "{told}");
    }
    assert!(told(PlayerGroups::random(3, 4, 0)).contains("are 4 of 3"));
    let (game, groups) = (
        ClosureGame::new(4, |_: &[bool]| 0.5),
        PlayerGroups::singles(3)?,
    );
    assert!(told(GroupGame::new(&game, &groups)).contains("are 3, and must be 4"));
    Ok(())
}

#[test]
fn neighbours_are_checked() {
    let features = |rows: usize| DenseMatrix::new(rows, 1, (0..rows).map(|i| i as f64).collect());
    let (train, test) = (features(3), features(2));
    let parts = Parts::new(&NoStore);
    let of = |k: usize| KnnConfig::new().with_neighbours(k);
    let told_of = |k, classes: &[usize], test_classes: &[usize]| {
        told(of(k).classification((&train, classes), (&test, test_classes), &parts))
    };
    assert!(told_of(4, &[0, 1, 0], &[0, 1]).contains("4 nearest neighbours are asked for among 3"));
    assert!(told_of(0, &[0, 1, 0], &[0, 1]).contains("neighbours"));
    assert!(told_of(1, &[2, 2, 2], &[0, 1]).contains("all 3 training examples are of class 2"));
    assert!(told_of(1, &[0, 1], &[0, 1]).contains("classes are 2, and must be 3"));
    assert!(told_of(1, &[0, 1, 0], &[0]).contains("measured classes are 1"));
    let none = told(of(1).classification((&train, &[0, 1, 0]), (&features(0), &[]), &parts));
    assert!(none.contains("no measured examples"), "{none}");
    let wide = DenseMatrix::new(2, 2, vec![0.0; 4]);
    let wide = told(of(1).classification((&train, &[0, 1, 0]), (&wide, &[0, 1]), &parts));
    assert!(
        wide.contains("measured features are 2, and must be 1"),
        "{wide}"
    );
    let broken = DenseMatrix::new(3, 1, vec![0.0, f64::NAN, 0.0]);
    let broken = told(of(1).regression((&broken, &[0.0; 3]), (&test, &[0.0; 2]), &parts));
    assert!(broken.contains("a feature of example 1"), "{broken}");
    let target =
        told(of(1).regression((&train, &[0.0; 3]), (&test, &[0.0, f64::INFINITY]), &parts));
    assert!(
        target.contains("the measured target of example 1"),
        "{target}"
    );
}

#[test]
fn training_that_fails_tells_of_which_coalition() -> Outcome {
    let test = LeastSquares::new(5, 1).cost(&[0.0; INPUTS]);
    let performance = TestPerformance::new(Performance::Loss, &test)?;
    let retrain = |weights: &[f64], _: u64| -> Result<Tensor<1>, RetrainError> {
        match weights[1] == 0.0 {
            true => Err(RetrainError::Failed("it will not do".into())),
            false => Ok(vector(&[0.0; INPUTS])),
        }
    };
    let game = RetrainGame::new(&retrain, 3, &performance, vector(&[0.0; INPUTS]), 0);
    let told_of = told(leave_one_out(&game, &Parts::new(&NoStore)));
    assert!(
        told_of.contains("training on 2 of 3 players: it will not do"),
        "{told_of}"
    );
    let short = |_: &[f64], _: u64| Ok::<_, RetrainError>(vector(&[0.0]));
    let game = RetrainGame::new(&short, 3, &performance, vector(&[0.0; INPUTS]), 0);
    let told_of = told(leave_one_out(&game, &Parts::new(&NoStore)));
    assert!(told_of.contains("returned 1 parameters"), "{told_of}");
    Ok(())
}

#[test]
fn a_pass_that_diverges_is_an_error() -> Outcome {
    let train = LeastSquares::new(5, 1).cost(&[0.0; INPUTS]);
    let performance = TestPerformance::new(Performance::Loss, &train)?;
    let singles = PlayerGroups::singles(5)?;
    let walk = |rate| {
        let initial = |_| vector(&[1.0; INPUTS]);
        GradientWalk::new(&train, &singles, &performance, rate, initial)
    };
    let parts = Parts::new(&NoStore);
    let told_of = told(PermutationConfig::new().run(&walk(1e200)?, &parts));
    assert!(
        told_of.contains("NaN") || told_of.contains("infinite"),
        "{told_of}"
    );
    assert!(told(walk(0.0)).contains("learning_rate"));
    assert!(told(walk(f64::NAN)).contains("learning_rate"));
    Ok(())
}
