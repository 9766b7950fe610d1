//! What a solver is made of, kept for later runs.

use backdraft::attribution::{FactorCache, Store};
use backdraft_curvature::{Cost, LinearOperator};
use backdraft_influence::{Inverse, Solver};

use super::{
    CliError,
    progress::{Bar, say},
    solve::QuerySystems,
};

/// Where it is kept, and the training examples.
#[derive(Clone, Copy)]
pub(super) struct KeptFactors<'a> {
    pub store: &'a (dyn Store + Sync),
    pub train: &'a Cost,
    /// In how many parts of the examples products are made, which decides last digits.
    pub parts: usize,
}

/// An inverse that is ready, and where what it is made of is kept.
pub(super) struct Prepared<'a> {
    pub inverse: Box<dyn Inverse + 'a>,
    cache: Option<FactorCache<'a>>,
}

impl QuerySystems<'_> {
    /// The inverse of `matrix`, from what is kept where that is there; what it is made of is said.
    pub fn prepare<'s>(
        &'s self,
        solver: &'s dyn Solver,
        matrix: &'s dyn LinearOperator,
        bar: &Bar,
    ) -> Result<Prepared<'s>, CliError> {
        let cache = self.factors.map(|kept| {
            let mut settings = format!("{:?}", (&self.args, self.preconditioner));
            if kept.parts > 1 {
                settings += &format!(" in {} parts", kept.parts);
            }
            FactorCache::new(kept.store, kept.train, matrix, &settings)
        });
        let cache = cache.transpose()?;
        let preparing = self.bar("preparing", 0);
        let shown = self.passes.map(|passes| passes.show(&preparing));
        let inverse = match &cache {
            Some(cache) => cache.prepare(solver, matrix)?,
            None => solver.prepare(matrix)?,
        };
        drop((shown, preparing));
        bar.aside(|| {
            if cache.as_ref().is_some_and(FactorCache::was_found) {
                say("what the solver is made of was kept by an earlier run");
            }
            if let Some(text) = inverse.describe() {
                say(text);
            }
        });
        Ok(Prepared { inverse, cache })
    }
}

impl Prepared<'_> {
    /// Keeps what has been learnt by now, if nothing is kept yet.
    pub fn keep(&self) -> Result<(), CliError> {
        match &self.cache {
            Some(cache) => Ok(cache.keep(&*self.inverse)?),
            None => Ok(()),
        }
    }
}
