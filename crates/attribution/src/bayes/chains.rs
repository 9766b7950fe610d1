//! Chains that are kept on the way.

use std::time::{Duration, Instant};

use backdraft_influence::bayes::{BayesianInfluence, BayesianScores, ChainState};

use super::kept;
use crate::{AttributionError, Digest, Store, StoreError};

/// Keeps the chains of Bayesian influence in a [`Store`]: stopped at any time, they go on from there to the same bits.
/// Keys bear a digest of the settings, the trained parameters, and the training loss and what is measured there.
pub struct ChainStore<'a> {
    influence: &'a BayesianInfluence,
    store: &'a dyn Store,
    every: Duration,
    digest: String,
}

impl<'a> ChainStore<'a> {
    /// Chains of `influence`, each kept in `store` every so often and at its end.
    ///
    /// # Errors
    /// [`AttributionError::Read`].
    pub fn new(
        influence: &'a BayesianInfluence,
        store: &'a dyn Store,
        every: Duration,
    ) -> Result<Self, AttributionError> {
        let sgld = influence.sgld();
        let settings = serde_json::to_vec(sgld.config()).map_err(kept::unencoded)?;
        let (loss, measured) = influence.start();
        let parameters = sgld.theta().to_data();
        let mut digest = Digest::default()
            .part(&settings)
            .part(parameters.as_bytes());
        for number in [loss].iter().chain(measured) {
            digest.feed(&number.to_le_bytes());
        }
        Ok(Self {
            influence,
            store,
            every,
            digest: digest.short(),
        })
    }

    /// All chains, from where they are in the store, and what they come to. `progress` is told of each chain after each
    /// draw, and of those that were at their end already.
    ///
    /// # Errors
    /// [`AttributionError::Bayes`]; [`AttributionError::Store`]. What is damaged is computed anew.
    pub fn run(
        &self,
        mut progress: impl FnMut(&ChainState),
    ) -> Result<BayesianScores, AttributionError> {
        let count = self.influence.sgld().config().chains;
        let chains = (0..count).map(|chain| self.chain(chain, &mut progress));
        let chains = chains.collect::<Result<Vec<_>, _>>()?;
        Ok(self.influence.scores(&chains)?)
    }

    /// One chain, to its end.
    fn chain(
        &self,
        chain: usize,
        progress: &mut impl FnMut(&ChainState),
    ) -> Result<ChainState, AttributionError> {
        let key = format!("bayes-{}-chain-{chain}.safetensors", self.digest);
        let mut state = match self.kept(chain, &key)? {
            Some(state) => state,
            None => self.influence.chain(chain),
        };
        progress(&state);
        let mut written = Instant::now();
        while !self.influence.is_done(&state) {
            self.influence.advance(&mut state)?;
            let done = self.influence.is_done(&state);
            if done || written.elapsed() >= self.every {
                self.store.put(&key, &kept::encode(&state)?)?;
                written = Instant::now();
            }
            progress(&state);
        }
        Ok(state)
    }

    fn kept(&self, chain: usize, key: &str) -> Result<Option<ChainState>, AttributionError> {
        let bytes = match self.store.get(key) {
            Err(StoreError::Damaged { .. }) => None,
            found => found?,
        };
        let theta = self.influence.sgld().theta();
        Ok(bytes.and_then(|bytes| kept::decode(chain, &bytes, theta).ok()))
    }
}
