//! What inverses are made of, kept for later queries of the same network.

use std::{cell::Cell, collections::HashMap, fmt::Display};

use backdraft_curvature::{Cost, LinearOperator};
use backdraft_influence::{Factors, Inverse, SolveError, Solver};
use burn::tensor::{Bytes, DType, TensorData};
use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};

use crate::{AttributionError, Digest, Store, StoreError};

/// Keeps what an inverse is made of ([`Inverse::factors`]) in a [`Store`]: Kronecker factors, sketches, kernel matrices,
/// and the Krylov space that earlier queries were solved in. A later process that asks of the same network, data,
/// damping and settings takes it up, to the same bits, and makes no product for it.
///
/// ```
/// use backdraft_attribution::{FactorCache, MemoryStore};
/// use backdraft_curvature::{Cost, CrossEntropy, Model};
/// use backdraft_influence::{KfacConfig, Solver};
/// use burn::{nn::{Linear, LinearConfig}, tensor::{Device, Int, Tensor}};
///
/// let device = Device::flex();
/// let net: Linear = LinearConfig::new(2, 2).init(&device);
/// let x = Tensor::<2>::from_floats([[0.0, 1.0], [1.0, 0.0]], &device);
/// let y = Tensor::<1, Int>::from_ints([1, 0], &device);
/// let cost = Cost::new(Model::new(&net, |net: &Linear, x: Tensor<2>| net.forward(x))?, CrossEntropy, x, y)?;
///
/// let (store, config) = (MemoryStore::new(), KfacConfig::default());
/// let matrix = cost.gauss_newton().damped(0.1);
/// let solver = config.clone().init()?;
/// for found in [false, true] {
///     let cache = FactorCache::new(&store, &cost, &matrix, &format!("{config:?}"))?;
///     let _inverse = cache.prepare(&solver, &matrix)?;
///     assert_eq!(cache.was_found(), found);
/// }
/// # Ok::<(), backdraft_attribution::AttributionError>(())
/// ```
pub struct FactorCache<'a> {
    store: &'a dyn Store,
    key: String,
    /// Whether they are in the store, and were before.
    kept: Cell<bool>,
    found: Cell<bool>,
}

impl<'a> FactorCache<'a> {
    /// For inverses of `operator`, a damped matrix of the cost `train`, by a solver of these `settings`. The key bears
    /// digests of the parameters, of the examples' losses and gradient there, of the matrix's name and damping, of the
    /// settings, and of the version of this crate: what is of anything else is not taken.
    ///
    /// # Errors
    /// [`AttributionError::Curvature`] if losses or gradient cannot be computed.
    pub fn new(
        store: &'a dyn Store,
        train: &Cost,
        operator: &dyn LinearOperator,
        settings: &str,
    ) -> Result<Self, AttributionError> {
        let law = operator.law();
        let mut digest = Digest::default()
            .part(env!("CARGO_PKG_VERSION").as_bytes())
            .part(law.name.as_bytes())
            .part(&law.damping.to_le_bytes())
            .part(format!("{:?}", operator.dtype()).as_bytes())
            .part(settings.as_bytes());
        for vector in [train.model().theta(), train.losses()?, train.gradient()?] {
            digest = digest.part(vector.into_data().as_bytes());
        }
        Ok(Self {
            store,
            key: format!("factors-{}", digest.name()),
            kept: Cell::new(false),
            found: Cell::new(false),
        })
    }

    /// The inverse of `operator` from what is kept, or else prepared, and then kept. What is damaged, or does not fit,
    /// is made anew.
    ///
    /// # Errors
    /// Those of the solver and of the store.
    pub fn prepare<'s>(
        &self,
        solver: &'s dyn Solver,
        operator: &'s dyn LinearOperator,
    ) -> Result<Box<dyn Inverse + 's>, AttributionError> {
        let kept = match self.store.get(&self.key) {
            Err(StoreError::Damaged { .. }) => None,
            found => found?,
        };
        if let Some(factors) = kept.and_then(|bytes| decode(&bytes)) {
            match solver.restore(operator, factors) {
                Ok(inverse) => {
                    self.kept.set(true);
                    self.found.set(true);
                    return Ok(inverse);
                }
                Err(SolveError::Factors { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let inverse = solver.prepare(operator)?;
        self.keep(&*inverse)?;
        Ok(inverse)
    }

    /// Keeps what `inverse` is made of by now, unless something is kept already: to be called after systems were solved,
    /// which an inverse may have learnt from.
    ///
    /// # Errors
    /// Those of the store.
    pub fn keep(&self, inverse: &dyn Inverse) -> Result<(), AttributionError> {
        if self.kept.get() {
            return Ok(());
        }
        let Some(factors) = inverse.factors().filter(|it| !it.is_empty()) else {
            return Ok(());
        };
        self.store.put(&self.key, &encode(&factors)?)?;
        self.kept.set(true);
        Ok(())
    }

    /// Whether [`prepare`](Self::prepare) took up what an earlier process had kept.
    pub fn was_found(&self) -> bool {
        self.found.get()
    }
}

const TYPES: [(DType, Dtype); 4] = [
    (DType::F64, Dtype::F64),
    (DType::F32, Dtype::F32),
    (DType::F16, Dtype::F16),
    (DType::BF16, Dtype::BF16),
];

/// The factors as safetensors, to the bit.
fn encode(factors: &Factors) -> Result<Vec<u8>, StoreError> {
    let mut views = Vec::new();
    for (name, data) in factors.tensors() {
        let dtype = TYPES.iter().find(|it| it.0 == data.dtype());
        let (_, dtype) = dtype.ok_or_else(|| unencoded(format!("`{name}` is of another type")))?;
        let view = TensorView::new(*dtype, data.shape().to_vec(), data.as_bytes());
        views.push((name.to_owned(), view.map_err(unencoded)?));
    }
    serialize(views, None::<HashMap<String, String>>).map_err(unencoded)
}

/// What [`encode`] made.
fn decode(bytes: &[u8]) -> Option<Factors> {
    let file = SafeTensors::deserialize(bytes).ok()?;
    let tensors = file.iter().map(|(name, view)| {
        let (dtype, _) = TYPES.iter().find(|it| it.1 == view.dtype())?;
        let bytes = Bytes::from_bytes_vec(view.data().to_vec());
        let data = TensorData::from_bytes(bytes, view.shape().to_vec(), *dtype);
        Some((name.to_owned(), data))
    });
    tensors.collect()
}

fn unencoded(error: impl Display) -> StoreError {
    StoreError::Other(format!("factors cannot be put into a file's format: {error}").into())
}
