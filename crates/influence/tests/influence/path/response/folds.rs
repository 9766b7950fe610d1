//! Problems of one or two parameters whose path folds where it is known to.

use backdraft_curvature::{Cost, Loss, Model};
use backdraft_influence::{
    path::{FollowedPath, PathConfig, PathEnd},
    response::Removal,
};
use backdraft_test_support::{device, host, matrix, vector};
use burn::{
    module::{Module, Param},
    tensor::Tensor,
};

use super::common::{EXACT, follow};

/// A polynomial of `(t, u)`, whose coefficients are the inputs:
/// `x_0 t + x_1 t^2 / 2 + x_2 t^3 / 3 + x_3 t^4 / 4 + x_4 (u - t^2)^2 / 2`.
#[derive(Module, Debug)]
pub(super) struct Polynomial {
    theta: Param<Tensor<1>>,
}

/// The output itself.
#[derive(Clone)]
struct Output;

impl Loss for Output {
    type Targets = Tensor<2>;

    fn per_example(&self, outputs: Tensor<2>, _: Tensor<2>) -> Tensor<1> {
        outputs.squeeze_dim(1)
    }
}

pub(super) fn cost(theta: [f64; 2], rows: &[[f64; 5]]) -> Cost {
    let module = Polynomial {
        theta: Param::from_tensor(vector(&theta)),
    };
    let model = Model::new(&module, |module: &Polynomial, x: Tensor<2>| {
        let theta = module.theta.val();
        let t: Tensor<2> = theta.clone().narrow(0, 0, 1).unsqueeze_dim(1);
        let u: Tensor<2> = theta.narrow(0, 1, 1).unsqueeze_dim(1);
        let column = |at: usize| x.clone().narrow(1, at, 1);
        let apart = u - t.clone() * t.clone();
        let square = t.clone() * t.clone();
        column(0) * t.clone()
            + column(1) * square.clone() * 0.5
            + column(2) * square.clone() * t / 3.0
            + column(3) * square.clone() * square * 0.25
            + column(4) * apart.clone() * apart * 0.5
    });
    let targets = Tensor::zeros([rows.len(), 1], (&device(), burn::tensor::DType::F64));
    Cost::new(model.unwrap(), Output, matrix(&rows.concat(), 5), targets).unwrap()
}

/// The last of two examples is taken away.
fn path(theta: [f64; 2], rows: &[[f64; 5]; 2]) -> FollowedPath {
    follow(&cost(theta, rows), Removal::of(vec![1], 2), EXACT)
}

fn t(path: &FollowedPath, point: usize) -> f64 {
    host(path.points()[point].theta.clone())[0]
}

/// `t^3 / 3 + (b - eps) t`, with `u = t^2` beside it: the minimum is at `sqrt(eps - b)`, until `eps = b`.
#[test]
fn the_path_ends_at_its_fold() {
    for b in [0.25, 0.6180] {
        let rows = [[b, 0.0, 1.0, 0.0, 1.0], [-1.0, 0.0, 0.0, 0.0, 0.0]];
        let start = (1.0_f64 - b).sqrt();
        let path = path([start, start * start], &rows);
        for (k, point) in path.points().iter().enumerate() {
            let left = point.facts.eps - b;
            // A gradient of 1e-11 over a curvature that is small near the fold.
            assert!((t(&path, k) - left.sqrt()).abs() < 1e-10 / left.sqrt());
            let u = host(point.tangent.clone())[1];
            assert!((u - 1.0).abs() < 1e-6, "{u}");
        }
        let PathEnd::Fold { last, fold, .. } = path.end() else {
            panic!("{:?}", path.end());
        };
        // The last step was between the shortest and twice that.
        assert!(*last > b && last - b < 1e-3, "{last}");
        // `t` goes by the root, but `u` goes on: what is left of the formula is of the order of the distance.
        let fold = fold.expect("the derivatives tell");
        assert!((fold - b).abs() < 0.1 * (last - b), "{fold} {last}");
        assert!(path.last().facts.curvature < 0.1 * path.first().facts.curvature);
        assert!((path.span() - (1.0 - last)).abs() < 1e-15);
    }
}

/// Two wells, of which the one that the path is in goes: `t^4 / 4 - t^2 / 2 + (1 - 2 eps) t`. There is a minimum in the
/// other well, to which Newton's method leads from beyond, and which is not on the path.
#[test]
fn it_does_not_jump_to_another_well() {
    let rows = [[1.0, -1.0, 0.0, 1.0, 1.0], [-2.0, 0.0, 0.0, 0.0, 0.0]];
    let path = path([1.3, 1.69], &rows);
    // Where `t^3 - t + 1 - 2 eps` has a double root: `t = 1 / sqrt 3`.
    let least = 3.0_f64.sqrt().recip();
    let fold = (1.0 - 2.0 * least / 3.0) / 2.0;
    assert!(
        path.points()
            .iter()
            .all(|it| host(it.theta.clone())[0] > least)
    );
    let PathEnd::Fold {
        last, fold: found, ..
    } = path.end()
    else {
        panic!("{:?}", path.end());
    };
    assert!(*last > fold && last - fold < 1e-3, "{last} {fold}");
    assert!((found.unwrap() - fold).abs() < 0.1 * (last - fold));
}

/// `t^4 / 4 + (eps - 1/2) t^2 / 2` at `t = 0`, which stays stationary: nothing pulls at it, and it is no minimum any
/// more.
#[test]
fn it_does_not_go_on_along_a_saddle() {
    let rows = [[0.0, -0.5, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 0.0, 0.0]];
    let path = path([0.0, 0.0], &rows);
    let PathEnd::Fold { last, fold, .. } = path.end() else {
        panic!("{:?}", path.end());
    };
    assert!(*last >= 0.5 && *last < 0.5 + 3e-4, "{last}");
    assert_eq!(*fold, None);
    assert!(path.points().iter().all(|it| it.facts.speed == 0.0));
    assert_eq!(path.straightness().unwrap().ratio, 1.0);
}

/// A fold beyond `eps = 0` is none of the path's business, nor is how short a step may be.
#[test]
fn a_fold_beyond_the_end_is_not_met() {
    let rows = [[-0.01, 0.0, 1.0, 0.0, 1.0], [-1.0, 0.0, 0.0, 0.0, 0.0]];
    let start = 1.01_f64.sqrt();
    let cost = cost([start, start * start], &rows);
    let config = PathConfig {
        shortest: 0.01,
        ..EXACT
    };
    let path = follow(&cost, Removal::of(vec![1], 2), config);
    assert!(path.end().is_whole(), "{:?}", path.end());
    assert!(path.points().len() > 6);
    assert!((t(&path, path.points().len() - 1) - 0.1).abs() < 1e-9);
}

/// `(t, t^2)` with `t = sqrt(eps - b)`: a parabola over its chord.
#[test]
fn a_path_of_two_parameters_lies_in_a_plane() {
    let rows = [[-0.5, 0.0, 1.0, 0.0, 1.0], [-1.0, 0.0, 0.0, 0.0, 0.0]];
    let start = 1.5_f64.sqrt();
    let path = path([start, start * start], &rows);
    let plane = path.projection(&[]).unwrap();
    assert!((plane.share - 1.0).abs() < 1e-12);
    let chord = path.straightness().unwrap().chord;
    let (a, b) = (path.first().theta.clone(), path.last().theta.clone());
    let unit = host((b - a.clone()) / chord);
    for (point, [along, across]) in path.points().iter().zip(&plane.points) {
        let moved = host(point.theta.clone() - a.clone());
        let expected = moved[0] * unit[0] + moved[1] * unit[1];
        let aside = (moved[1] * unit[0] - moved[0] * unit[1]).abs();
        assert!((along - expected).abs() < 1e-12 && (across.abs() - aside).abs() < 1e-12);
        assert!(*across > -1e-12);
    }
    let straight = path.straightness().unwrap();
    assert!(
        straight.ratio < 0.999 && straight.angle > 5.0,
        "{straight:?}"
    );
    assert!(straight.widest < straight.angle);
}
