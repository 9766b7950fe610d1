//! How far scores can be trusted: held against what the network's response to removals really does.
//!
//! [`Influence::verify`](crate::Influence::verify) does all of it. A [`Selection`] is which removals, a [`Verifier`]
//! computes the responses to them, and a [`Verification`] holds both together.

mod agreement;
mod interval;
mod selection;
mod verification;
mod verifier;

pub use agreement::Agreement;
pub use interval::Intervals;
pub use selection::{PairKind, Selection};
pub use verification::{Verification, VerifiedPair, VerifyConfig};
pub use verifier::{Extent, RemovalResponse, ResponseOutcome, Verifier, VerifyProgress};
