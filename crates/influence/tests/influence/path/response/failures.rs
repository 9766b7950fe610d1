//! What is refused, and with what words.

use backdraft_curvature::CurvatureError;
use backdraft_influence::{
    path::{FollowedPath, PathConfig, PathEnd, PathError, ResponsePath},
    response::{Removal, ResponseError, ResponseKind, Responses},
};

use super::{
    common::{EXACT, direct, follow},
    folds,
};
use crate::response::common::{DAMPING, N, classifier, network};

fn refused(kind: ResponseKind, removal: Removal, config: PathConfig) -> String {
    let (cost, solver) = (network(), direct());
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let objective = responses.objective(kind, removal).unwrap();
    let error = ResponsePath::new(objective, &solver, config).err().unwrap();
    assert!(matches!(error, PathError::Setting { .. }));
    error.to_string()
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let of = |config| refused(ResponseKind::Bregman, Removal::of(vec![1], N), config);
    assert!(of(PathConfig { steps: 0, ..EXACT }).contains("`steps` is 0"));
    let none = PathConfig {
        corrections: 0,
        ..EXACT
    };
    assert!(of(none).contains("`corrections` is 0"));
    for tolerance in [0.0, -1.0, 1.0, f64::NAN, f64::INFINITY] {
        assert!(of(PathConfig { tolerance, ..EXACT }).contains("`tolerance`"));
    }
    for shortest in [0.0, -0.1, 0.21, 1e-13, f64::NAN] {
        assert!(of(PathConfig { shortest, ..EXACT }).contains("`shortest`"));
    }
    let line = refused(ResponseKind::Linearized, Removal::of(vec![1], N), EXACT);
    assert!(line.contains("straight line"), "{line}");
    for nothing in [Removal::none(), Removal::reweight([(3, 0.0)], N)] {
        let text = refused(ResponseKind::Bregman, nothing, EXACT);
        assert!(text.contains("change no weight"), "{text}");
    }
}

/// A start that is no minimum, nor leads to one.
#[test]
fn a_path_needs_a_beginning() {
    // The top between two wells: stationary.
    let rows = [
        [0.0, -1.0, 0.0, 1.0, 1.0],
        [0.1, 0.0, 0.0, 0.0, 0.0],
        [-0.1, 0.0, 0.0, 0.0, 0.0],
    ];
    let (cost, solver) = (folds::cost([0.0, 0.0], &rows), direct());
    let responses = Responses::undamped(&cost).unwrap();
    let objective = responses.objective(ResponseKind::Retraining, Removal::of(vec![1], 3));
    let path = ResponsePath::new(objective.unwrap(), &solver, EXACT).unwrap();
    let error = path.follow(|_| {}).err().unwrap();
    assert!(matches!(error, PathError::NoStart { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("positive definite") && text.contains("Bregman"),
        "{text}"
    );
    // From beside it there is one, though Newton's method alone does not find it.
    let cost = folds::cost([0.2, 0.0], &rows);
    let followed = follow(&cost, Removal::of(vec![1], 3), EXACT);
    assert!(followed.end().is_whole());
}

#[test]
fn an_l2_term_that_is_none_is_refused() {
    for l2 in [-0.1, f64::NAN, f64::INFINITY] {
        let error = Responses::undamped(&classifier().with_l2(l2))
            .err()
            .unwrap();
        assert!(
            matches!(error, ResponseError::Setting { name: "l2", .. }),
            "{error}"
        );
    }
}

#[test]
fn points_and_examples_that_do_not_exist_are_refused() {
    let (cost, solver) = (classifier().with_l2(0.1), direct());
    let followed = follow(&cost, Removal::of(vec![1], N), EXACT);
    let error = FollowedPath::new(Vec::new(), PathEnd::Whole).err().unwrap();
    assert!(error.to_string().contains("`points` has none"));
    let twice = vec![followed.first().clone(), followed.first().clone()];
    let error = FollowedPath::new(twice, PathEnd::Whole).err().unwrap();
    assert!(error.to_string().contains("from `eps = 1` down"));

    let responses = Responses::undamped(&cost).unwrap();
    let objective = responses.objective(ResponseKind::Retraining, Removal::of(vec![1], N));
    let path = ResponsePath::new(objective.unwrap(), &solver, EXACT).unwrap();
    for eps in [-0.1, 1.1, f64::NAN] {
        let error = path.newton(followed.first(), eps).err().unwrap();
        assert!(error.to_string().contains("between 0 and 1"), "{error}");
    }
    let error = path.partials(followed.first(), &[0, N]).err().unwrap();
    let PathError::Response(ResponseError::Curvature(CurvatureError::Index { index, .. })) = error
    else {
        panic!("{error}");
    };
    assert_eq!(index, N);
    assert!(path.partials(followed.first(), &[]).unwrap().is_empty());
}
