//! What the tests of paths share.

use backdraft_curvature::Cost;
use backdraft_influence::{
    Direct, DirectConfig,
    path::{FollowedPath, NextPoint, PathConfig, PathPoint, ResponsePath},
    response::{Removal, ResponseKind, Responses},
};

/// To the end of what f64 has.
pub(super) const EXACT: PathConfig = PathConfig {
    steps: 5,
    tolerance: 1e-11,
    corrections: 8,
    shortest: 1e-4,
};

pub(super) fn direct() -> Direct {
    DirectConfig::default().init().unwrap()
}

/// The path of a removal from the minimum of a cost.
pub(super) fn follow(cost: &Cost, removal: Removal, config: PathConfig) -> FollowedPath {
    let (responses, solver) = (Responses::undamped(cost).unwrap(), direct());
    let objective = responses.objective(ResponseKind::Retraining, removal);
    let path = ResponsePath::new(objective.unwrap(), &solver, config).unwrap();
    path.follow(|_| {}).unwrap()
}

/// The point after `point`, which there is.
pub(super) fn after(path: &ResponsePath<'_>, point: &PathPoint) -> PathPoint {
    match path.next(point).unwrap() {
        NextPoint::Point(next) => *next,
        NextPoint::End(end) => panic!("the path goes on: {end:?}"),
    }
}
