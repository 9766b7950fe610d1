//! Bayesian linear regression, where all that is sampled is known.

use backdraft_influence::{
    DirectConfig, Solver,
    bayes::{BayesianInfluence, Integrator, SgldConfig},
    scores,
};
use backdraft_test_support::{assert_close, dot, host};

use super::common::{INPUTS, LeastSquares, Posterior, assert_sampled, sampled, scaled};

const N: usize = 12;
const DAMPING: f64 = 0.1;
/// Hot enough that the second order counts.
const NBETA: f64 = 20.0;
const STEP: f64 = 0.5;

fn config() -> SgldConfig {
    SgldConfig::new(DAMPING * NBETA, STEP)
        .with_inverse_temperature(Some(NBETA))
        .with_centred(false)
        .with_thinning(3)
        .with_burn_in(60)
        .with_draws(1_000)
}

/// Not the minimum: the chain has to go there.
const THETA: [f64; INPUTS] = [0.3, 1.4, 0.6];

#[test]
fn scores_are_the_covariances_of_the_normal_posterior() {
    let problem = LeastSquares::new(N, INPUTS, 0.05);
    let posterior = problem.posterior(&[1.0; N], DAMPING, NBETA, &THETA);
    let found = sampled(&problem.cost(&THETA), &config());
    assert_eq!((found.rows(), found.examples()), (N, N));
    assert!((found.damping - DAMPING).abs() < 1e-15);
    assert_sampled(&found, &problem.scores(&posterior, NBETA));
}

#[test]
fn covariances_are_symmetric() {
    let problem = LeastSquares::new(N, INPUTS, 0.0);
    let found = sampled(&problem.cost(&THETA), &config().with_draws(64));
    let transposed =
        |all: &[f64]| -> Vec<f64> { (0..N * N).map(|at| all[at % N * N + at / N]).collect() };
    // Sums of the same products in another order.
    assert_close(found.values(), &transposed(found.values()), 1e-12);
    let errors = found.all_standard_errors();
    assert_close(errors, &transposed(errors), 1e-10);
    // A variance is positive: each example helps itself.
    assert!((0..N).all(|i| found.values()[i * N + i] > 0.0));
}

/// The chain `d <- (I - eta A) d + sqrt(2 eta / nbeta) xi` has the covariance `(nbeta A (I - eta/2 A))^-1`.
fn discretised(problem: &LeastSquares, theta: &[f64]) -> Posterior {
    let of = problem.posterior(&[1.0; N], DAMPING, 1.0, theta);
    let a = of.precision;
    let entry = |j: usize, k: usize| {
        let column: Vec<f64> = a.iter().map(|row| row[k]).collect();
        a[j][k] - 0.5 * STEP * dot(&a[j], &column)
    };
    let all = (0..INPUTS).map(|j| (0..INPUTS).map(|k| entry(j, k)).collect());
    Posterior {
        mean: of.mean,
        precision: scaled(all.collect(), NBETA),
    }
}

#[test]
fn long_steps_of_eulers_method_widen_the_posterior_as_they_must() {
    // Inputs of twice the size: a step of 1/2 is a large part of the longest that is stable.
    let mut problem = LeastSquares::new(N, INPUTS, 0.0);
    problem.x.iter_mut().flatten().for_each(|x| *x *= 2.0);
    let cost = problem.cost(&THETA);
    let euler = config().with_integrator(Integrator::Euler);
    let found = sampled(&cost, &euler);
    let exact = problem.scores(&problem.posterior(&[1.0; N], DAMPING, NBETA, &THETA), NBETA);
    let biased = problem.scores(&discretised(&problem, &THETA), NBETA);
    assert_sampled(&found, &biased);
    let errors = found.all_standard_errors();
    let told = found.values().iter().zip(&exact).zip(errors);
    assert!(
        told.into_iter()
            .any(|((found, exact), error)| found - exact > 5.0 * error)
    );
    // Noise that neighbouring steps share leaves no bias at the same step.
    assert_sampled(&sampled(&cost, &config()), &exact);
}

#[test]
fn a_centred_posterior_stays_where_the_parameters_are() {
    let problem = LeastSquares::new(N, INPUTS, 0.05);
    let posterior = Posterior {
        mean: THETA.to_vec(),
        ..problem.posterior(&[1.0; N], DAMPING, NBETA, &THETA)
    };
    let found = sampled(&problem.cost(&THETA), &config().with_centred(true));
    assert_sampled(&found, &problem.scores(&posterior, NBETA));
}

#[test]
fn a_cold_posterior_gives_damped_influence() {
    let problem = LeastSquares::new(N, INPUTS, 0.05);
    let nbeta = 1e6;
    let theta = problem.minimum(&[1.0; N], 0.0, &[0.0; INPUTS]);
    let cost = problem.cost(&theta);
    let matched = SgldConfig::new(DAMPING * nbeta, STEP).with_inverse_temperature(Some(nbeta));
    let found = sampled(
        &cost,
        &SgldConfig {
            draws: 1_000,
            thinning: 3,
            ..matched
        },
    );
    let matrix = cost.hessian().damped(found.damping);
    let solver = DirectConfig::default().init().unwrap();
    let inverse = solver.prepare(&matrix).unwrap();
    let mut influence = Vec::new();
    for query in 0..N {
        let gradient = cost.select(&[query]).unwrap().gradient().unwrap();
        let solution = inverse.solve(gradient).unwrap().vector;
        influence.extend(host(scores(&cost, solution).unwrap()));
    }
    // What is left beyond the first order is a millionth of it; both have the same units.
    assert_sampled(&found, &influence);
}

#[test]
fn scores_tell_what_removals_do_to_the_mean_of_a_loss() {
    let count = 80;
    let problem = LeastSquares::new(count, INPUTS, 0.05);
    let (weights, nbeta) = (vec![1.0; count], count as f64);
    let theta = problem.minimum(&weights, 0.0, &[0.0; INPUTS]);
    let posterior = |weights: &[f64]| problem.posterior(weights, DAMPING, nbeta, &theta);
    let scores = problem.scores(&posterior(&weights), nbeta);
    let before = problem.means(&posterior(&weights));
    let largest = scores.iter().fold(0.0, |most: f64, it| most.max(it.abs()));
    for removed in 0..count {
        let mut without = weights.clone();
        without[removed] = 0.0;
        let after = problem.means(&posterior(&without));
        for query in 0..count {
            let (change, score) = (
                after[query] - before[query],
                scores[query * count + removed],
            );
            // What is left out is of second order in 1/N.
            assert!((change - score).abs() < 0.1 * largest, "{change} {score}");
        }
        // Its own loss rises without it: the sign.
        assert!(after[removed] > before[removed] && scores[removed * count + removed] > 0.0);
    }
    // The closed form is what the chains sample, with the temperature left to its default.
    let config = SgldConfig::matching(DAMPING, count, STEP);
    let config = SgldConfig {
        draws: 1_000,
        thinning: 3,
        burn_in: 60,
        ..config
    };
    assert_sampled(&sampled(&problem.cost(&theta), &config), &scores);
}

/// One parameter, batches of two of the examples with replacement: `d <- (1 - eta (h_B + lambda)) d + noise`, of which
/// the variance is `(2 eta / nbeta) / (1 - E (1 - eta (h_B + lambda))^2)`.
#[test]
fn control_variates_leave_noise_that_vanishes_at_the_minimum() {
    let (problem, eta, batch, nbeta) = (LeastSquares::new(N, 1, 0.0), 1.0, 2, 100.0);
    let theta = problem.minimum(&[1.0; N], 0.0, &[0.0]);
    let curvatures: Vec<f64> = problem.x.iter().map(|x| x[0] * x[0]).collect();
    let mean = curvatures.iter().sum::<f64>() / N as f64;
    let spread = curvatures.iter().map(|h| (h - mean).powi(2)).sum::<f64>();
    let variance = spread / N as f64 / batch as f64;
    let kept = (1.0 - eta * (mean + DAMPING)).powi(2) + eta * eta * variance;
    let width = 2.0 * eta / nbeta / (1.0 - kept);
    let expected = problem.scores(
        &Posterior {
            mean: theta.clone(),
            precision: vec![vec![1.0 / width]],
        },
        nbeta,
    );
    let config = SgldConfig::new(DAMPING * nbeta, eta)
        .with_inverse_temperature(Some(nbeta))
        .with_integrator(Integrator::Euler)
        .with_batch_size(Some(batch))
        .with_thinning(3)
        .with_draws(1_000);
    let cost = problem.cost(&theta);
    assert_sampled(&sampled(&cost, &config), &expected);
    // Without it, gradients of the minimum itself are noise, `eta^2 Var(g) / batch` a step.
    let gradients = problem.x.iter().zip(&problem.t);
    let gradients = gradients.map(|(x, t)| ((x[0] * theta[0] - t) * x[0]).powi(2));
    let noise = gradients.sum::<f64>() / N as f64 / batch as f64;
    let heated = (2.0 * eta / nbeta + eta * eta * noise) / (1.0 - kept);
    let found = BayesianInfluence::new(&cost, &cost, false, &config.with_control_variate(false));
    let found = found.unwrap().run().unwrap();
    let own = |scores: &[f64]| (0..N).map(|i| scores[i * N + i]).sum::<f64>();
    // The largest parts of these are proportional to the variance.
    let ratio = own(found.values()) / own(&expected);
    let expected = heated / width;
    assert!(
        (0.7..1.4).contains(&(ratio / expected)),
        "{ratio} {expected}"
    );
    assert!(expected > 1.5);
}
