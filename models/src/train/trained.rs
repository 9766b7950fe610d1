//! What training came to.

/// A trained model.
#[derive(Clone, Debug)]
pub struct Trained<M> {
    /// The model, without autodiff, on the device and in the element type that it came with.
    pub model: M,
    /// Mean loss, without the L2 term, in each pass over the data; for L-BFGS, at each evaluation.
    pub history: Vec<f64>,
    /// Norm of the cost's gradient that L-BFGS ended with, before the model was rounded to its own type.
    pub gradient_norm: Option<f64>,
}
