//! Bayesian influence functions: influence as a covariance, without any curvature.
//!
//! The trained parameters `theta_s` are put into the local posterior
//!
//! ```text
//! p(theta) ~ exp( -nbeta J(theta) - gamma/2 ||theta - theta_s||^2 )
//! ```
//!
//! of the cost `J`, the mean loss of `N` examples, with the inverse temperature `nbeta` and the localisation `gamma`
//! (Kreer et al. 2025, "Bayesian influence functions for Hessian-free data attribution"). An example's loss `L_i` is in
//! it with the weight `nbeta/N`, so that the mean of a measurement `m` answers to that weight by a covariance, exactly
//! and whatever the network is. Taking the example away is predicted to change it by
//!
//! ```text
//! score_i = nbeta/N Cov(L_i, m)      predicts      E m(without i) - E m(with i)
//! ```
//!
//! to first order in the weight `1/N`. The sign is that of all scores here, the opposite of the paper's, which is of an
//! example's weight going up. Where the posterior is narrow, `J` is a quadratic in it, its covariance is
//! `(nbeta H + gamma I)^-1`, and the score becomes
//!
//! ```text
//! 1/N <grad L_i, (H + lambda I)^-1 grad m>,      lambda = gamma / nbeta
//! ```
//!
//! at the mode: damped influence, with the Hessian `H`. So `lambda` is the *matched damping*
//! ([`Sgld::damping`]), and the colder the posterior, the less is left of what is beyond first order, by a factor of
//! `1/nbeta`. `nbeta = N`, the default, counts every example once, as Bayes' rule does. The default of Kreer et al. is
//! `batch / log(batch)`, a much hotter posterior: it tells of a wider neighbourhood of the parameters, and no longer of
//! the derivative there.
//!
//! Parameters at which the gradient of `J` does not vanish are the mode all the same where the posterior is *centred*
//! ([`SgldConfig::centred`]), the default: there as at a minimum, scores are of the parameters that there are.
//!
//! The posterior is sampled by [`Sgld`]; [`BayesianInfluence`] runs several chains and adds up covariances while it
//! goes, with a Monte-Carlo standard error for every score, and [`Convergence`] says how far the chains can be believed.

mod bayesian_influence;
mod chain;
mod co_moments;
mod diagnostics;
mod error;
mod normal;
mod scores;
mod sgld;

pub use bayesian_influence::BayesianInfluence;
pub use chain::ChainState;
pub use co_moments::CoMoments;
pub use diagnostics::{Convergence, bulk_ess, r_hat, tail_ess};
pub use error::BayesError;
pub(crate) use normal::normals;
pub use scores::BayesianScores;
pub use sgld::{Integrator, Sgld, SgldConfig};
