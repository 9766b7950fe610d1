//! Noise: how much, what it hides, and where none is certified.

use backdraft_influence::{
    response::{Descent, Removal},
    unlearn::{
        Certificate, DescentConfig, Evidence, Privacy, Regularity, Sensitivity, UnlearnError,
        WeightedDescent,
    },
};
use backdraft_test_support::{host, vector};

use super::common::{L2, N, config, logistic, of_logistic, plan};

const PRIVACY: Privacy = Privacy {
    epsilon: 1.0,
    delta: 1e-3,
};

/// How much more one of two normal distributions has than `e^epsilon` times the other, which is what `delta` bounds,
/// by a sum over a fine grid.
fn excess(distance: f64, sigma: f64, epsilon: f64) -> f64 {
    let step = 1e-3;
    let density = |x: f64| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let points = (-20_000..20_000).map(|i| f64::from(i) * step);
    let more = points.map(|x| density(x) - epsilon.exp() * density(x - distance / sigma));
    more.filter(|it| *it > 0.0).sum::<f64>() * step
}

#[test]
fn the_noise_hides_what_it_says() {
    for (epsilon, delta) in [(1.0, 1e-3), (0.5, 1e-2), (0.1, 1e-5), (1.0, 0.3)] {
        let privacy = Privacy { epsilon, delta };
        let certificate = Certificate::new(0.37, privacy).unwrap();
        let expected = 0.37 * (2.0 * (1.25 / delta).ln()).sqrt() / epsilon;
        assert!((certificate.sigma / expected - 1.0).abs() < 1e-15);
        let found = excess(0.37, certificate.sigma, epsilon);
        assert!(found <= delta, "{epsilon} {delta}: {found}");
        // A third of it would not do.
        assert!(excess(0.37, certificate.sigma / 3.0, epsilon) > delta);
    }
    let none = Certificate::new(0.0, PRIVACY).unwrap();
    assert_eq!(host(none.perturb(vector(&[1.0, 2.0]), 1)), [1.0, 2.0]);
}

#[test]
fn noise_is_normal_and_its_seeds_own() {
    let certificate = Certificate::new(0.5, PRIVACY).unwrap();
    let count = 40_001;
    let zero = || vector(&vec![0.0; count]);
    let drawn: Vec<f64> = host(certificate.perturb(zero(), 5));
    assert_eq!(drawn, host(certificate.perturb(zero(), 5)));
    assert_ne!(drawn, host(certificate.perturb(zero(), 6)));
    let moment = |power: i32| {
        let sum: f64 = drawn
            .iter()
            .map(|x| (x / certificate.sigma).powi(power))
            .sum();
        sum / count as f64
    };
    // Five standard errors: 1, 2, 15 and 96 over the root of the count.
    let error = 5.0 / (count as f64).sqrt();
    assert!(moment(1).abs() < error);
    assert!((moment(2) - 1.0).abs() < 2.0_f64.sqrt() * error);
    assert!(moment(3).abs() < 15.0_f64.sqrt() * error);
    assert!((moment(4) - 3.0).abs() < 96.0_f64.sqrt() * error);
}

fn refused(found: Result<f64, UnlearnError>) -> String {
    match found {
        Err(UnlearnError::NoCertificate { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_is_certified_where_assumptions_fail() {
    let (cost, design) = logistic(1, 0.0);
    let removal = Removal::of(vec![2], N);
    let batches = plan(5, 0.5);
    let whole = plan(N, 0.5);
    let regularity = of_logistic(&design, N);
    let made = |config: DescentConfig| WeightedDescent::new(&cost, &removal, config).unwrap();

    // Convex, but not strongly.
    let retained = made(config(None));
    let flat = Sensitivity::new(&retained, regularity, &whole).unwrap();
    assert!(refused(flat.descended(10, 5, 15, 1.0)).contains("strongly convex"));
    assert!(flat.rewound(10, 5).is_ok());

    // Steps of which the next is further away.
    let strong = WeightedDescent::new(&cost.clone().with_l2(L2), &removal, config(None)).unwrap();
    let wide = plan(N, 2.1 / (L2 + regularity.curvature[1]));
    let wide = Sensitivity::new(&strong, regularity, &wide).unwrap();
    assert!(refused(wide.descended(10, 5, 15, 1.0)).contains("take less than"));

    // Batches have no minimum in common.
    let of_batches = of_logistic(&design, 5);
    let stochastic = Sensitivity::new(&strong, of_batches, &batches).unwrap();
    assert!(refused(stochastic.descended(10, 5, 10, 1.0)).contains("no minimum in common"));
    assert!(stochastic.descended(10, 5, 15, 1.0).is_ok());

    // Steps that are no gradients.
    for (descent, word) in [
        (Descent::Sgd { momentum: 0.9 }, "momentum"),
        (Descent::Adam, "Adam"),
    ] {
        let other = made(DescentConfig {
            descent,
            radius: None,
        });
        let found = Sensitivity::new(&other, regularity, &whole).map(|_| 0.0);
        assert!(refused(found).contains(word));
    }

    // Bounds that somebody measured somewhere.
    let estimated = Regularity {
        evidence: Evidence::Estimated,
        ..regularity
    };
    let found = Sensitivity::new(&retained, estimated, &whole).map(|_| 0.0);
    assert!(refused(found).contains("estimated"));

    // A bound beyond all numbers; in a ball it is its diameter.
    let rough = Regularity::smooth(1e30, 1e30);
    let far = Sensitivity::new(&retained, rough, &whole).unwrap();
    assert!(refused(far.rewound(200, 3)).contains("beyond all numbers"));
    let ball = made(config(Some(2.0)));
    let near = Sensitivity::new(&ball, rough, &whole).unwrap();
    assert_eq!(near.rewound(200, 3).unwrap(), 4.0);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let setting = |found: Result<Certificate, UnlearnError>| match found {
        Err(UnlearnError::Setting { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    let with = |epsilon, delta| Certificate::new(1.0, Privacy { epsilon, delta });
    for epsilon in [0.0, -1.0, 1.1, f64::NAN] {
        assert_eq!(setting(with(epsilon, 1e-3)), "epsilon");
    }
    for delta in [0.0, 1.0, -0.1, f64::NAN] {
        assert_eq!(setting(with(0.5, delta)), "delta");
    }
    for distance in [-1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(setting(Certificate::new(distance, PRIVACY)), "distance");
    }
    let (cost, _) = logistic(1, 0.0);
    let retained = WeightedDescent::new(&cost, &Removal::none(), config(None)).unwrap();
    let whole = plan(N, 0.5);
    for (regularity, name) in [
        (Regularity::smooth(f64::NAN, 1.0), "curvature"),
        (Regularity::smooth(-1.0, 1.0), "curvature"),
        (Regularity::smooth(1.0, -1.0), "gradient"),
    ] {
        match Sensitivity::new(&retained, regularity, &whole).map(|_| ()) {
            Err(UnlearnError::Setting { name: found, .. }) => assert_eq!(found, name),
            other => panic!("{other:?}"),
        }
    }
    let sensitivity = Sensitivity::new(&retained, Regularity::smooth(1.0, 1.0), &whole).unwrap();
    let beyond = sensitivity.rewound(5, 6).unwrap_err().to_string();
    assert!(beyond.contains("by 6 steps, and the training has 5"));
}
