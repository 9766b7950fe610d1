//! How far a pass over the examples is.

use std::sync::Arc;

use super::Cost;

/// Where a pass over a cost's examples stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchProgress {
    /// Batches that the pass is through with.
    pub done: usize,
    /// Batches of the pass.
    pub batches: usize,
}

/// What is told.
pub(super) type Told = Arc<dyn Fn(BatchProgress) + Send + Sync>;

impl Cost {
    /// The same cost, which calls `told` before each batch of every pass over its examples, whatever that computes: a
    /// gradient, a product, scores, the factors of an approximation. Costs of other or fewer examples that are made from
    /// this one call nothing.
    #[must_use]
    pub fn with_progress(self, told: impl Fn(BatchProgress) + Send + Sync + 'static) -> Self {
        let told: Option<Told> = Some(Arc::new(told));
        Self { told, ..self }
    }

    /// Tells that `done` batches are done.
    pub(super) fn tell(&self, done: usize) {
        if let Some(told) = &self.told {
            let batches = self.len().div_ceil(self.batch);
            told(BatchProgress { done, batches });
        }
    }
}
