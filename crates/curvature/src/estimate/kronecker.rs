//! K-FAC and EK-FAC: a Kronecker product for every layer of a network.
//!
//! ```text
//! G_layer = 1/N sum over i, k of vec(sum over r of a_ir d_ikr') vec(..)' ~ A x D
//! A = mean over i, r of a a',   D = 1/N sum over i, k, r of d d'
//! ```
//!
//! with `a` the layer's inputs (and a 1 for its bias) at the positions `r` where the weight is used, such as the pixels
//! of a convolution, and `d` what a column `u_k` of a square root of the example's output Hessian is pulled back to at
//! the layer's outputs (Martens & Grosse 2015; for shared weights, "expand", Eschenhagen et al. 2023). Nothing is
//! drawn: it is the whole Gauss-Newton matrix, not one of labels drawn from the model, that is approximated.
//!
//! EK-FAC keeps the eigenvectors of `A` and `D` and takes the second moments of the gradients along their products in
//! place of the products of eigenvalues, the best that these directions allow (George et al. 2018):
//!
//! ```text
//! values_pq = 1/N sum over i, k of (a-vector_p' (sum over r of a_ir d_ikr') d-vector_q)^2
//! ```
//!
//! Layers are found in the traced program, by how the gradient of each parameter is made, and not by the names of
//! modules. What is no such layer has a block of its own: all of its elements up to a size, or its diagonal.

use burn::{Tensor, tensor::TensorData};

use super::{accumulate::BlockMoments, block::BlockMatrix, coverage::Coverage, passes::Passes};
use crate::{
    Cost, CurvatureError, Parameter, ShardedCost,
    parts::{Parcel, by_place},
};

/// Settings of [`Cost::kronecker_factored`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KroneckerConfig {
    /// Whether the eigenvalues are the gradients' second moments (EK-FAC) and not the products of the factors'
    /// eigenvalues (K-FAC). Takes a second pass over the examples.
    pub corrected: bool,
    /// Most columns of an example's output Hessian that are pulled back. An example of more outputs, such as a text
    /// with a class for every token, is pulled back in as many random mixtures of them, with signs drawn from `seed`,
    /// whose mean is the matrix.
    pub columns: usize,
    /// Seed of the mixtures.
    pub seed: u64,
    /// Most numbers in a parameter that belongs to no layer for all elements of its block to be known; of larger ones
    /// the diagonal is.
    pub exact: usize,
}

impl Default for KroneckerConfig {
    fn default() -> Self {
        Self {
            corrected: true,
            columns: 64,
            seed: 0,
            exact: 512,
        }
    }
}

/// A cost's Gauss-Newton matrix with a Kronecker product for every layer, without the L2 term. Nothing is known between
/// layers.
pub struct KroneckerFactored {
    parameters: Vec<Parameter>,
    blocks: Vec<BlockMatrix>,
    coverage: Coverage,
}

impl Cost {
    /// The Gauss-Newton matrix as K-FAC or EK-FAC approximate it, in one or two passes over the examples, each of as
    /// many reverse passes as there are outputs, and one eigendecomposition a layer and side on the host.
    ///
    /// # Errors
    /// [`CurvatureError::NotConvex`] for a loss that is not known to be convex; [`CurvatureError::NoRoot`] for a loss
    /// of many outputs without a root of its Hessian; [`CurvatureError::Setting`] for no columns;
    /// [`CurvatureError::Program`], [`CurvatureError::NotFinite`].
    pub fn kronecker_factored(
        &self,
        config: &KroneckerConfig,
    ) -> Result<KroneckerFactored, CurvatureError> {
        let passes = Passes::new(self, config)?;
        let mut found = KroneckerFactored::new(&passes, self, passes.moments()?)?;
        if config.corrected {
            let squares = passes.squares(&found.blocks)?;
            found.correct(squares);
        }
        Ok(found)
    }

    /// The same from the tensors that one of this cost and these settings was made of
    /// ([`KroneckerFactored::tensors`]), which `take` gives by name: to the same bits, without any pass over the examples.
    ///
    /// # Errors
    /// [`CurvatureError::Setting`] for tensors that are missing, or of another shape; as
    /// [`kronecker_factored`](Self::kronecker_factored).
    pub fn kronecker_restored(
        &self,
        config: &KroneckerConfig,
        mut take: impl FnMut(&str) -> Option<TensorData>,
    ) -> Result<KroneckerFactored, CurvatureError> {
        let passes = Passes::new(self, config)?;
        let blocks = passes.blocks.iter().enumerate().map(|(place, block)| {
            BlockMatrix::restored(block, self.model(), |name| take(&tensor_name(place, name)))
        });
        Ok(KroneckerFactored {
            blocks: blocks.collect::<Result<_, _>>()?,
            coverage: passes.coverage(),
            parameters: self.model().parameters().to_vec(),
        })
    }

    /// What [`kronecker_factored`](Self::kronecker_factored) would know of which parameters, without any pass over the
    /// examples.
    ///
    /// # Errors
    /// As [`kronecker_factored`](Self::kronecker_factored).
    pub fn kronecker_coverage(&self, config: &KroneckerConfig) -> Result<Coverage, CurvatureError> {
        Ok(Passes::new(self, config)?.coverage())
    }
}

impl ShardedCost {
    /// The same of all parts, whose moments are added up before their eigenvectors are found, as
    /// [`Cost::kronecker_factored`].
    ///
    /// # Errors
    /// As [`Cost::kronecker_factored`].
    pub fn kronecker_factored(
        &self,
        config: &KroneckerConfig,
    ) -> Result<KroneckerFactored, CurvatureError> {
        let (parts, home) = (self.parts(), self.parts().home().clone());
        let moments = parts.all(config, {
            let home = home.clone();
            move |cost, config| {
                let moments = Passes::new(cost, &config)?.moments()?;
                let sent = moments.into_iter().map(|it| it.sent(&home));
                sent.collect::<Result<Vec<_>, _>>()
            }
        })?;
        let first = self.first();
        let passes = Passes::new(first, config)?;
        let moments = by_place(moments).into_iter().zip(&passes.blocks);
        let moments = moments.map(|(of, block)| BlockMoments::reduced(block, of, parts));
        let mut found = KroneckerFactored::new(&passes, first, moments.collect())?;
        if config.corrected {
            let bases = found.blocks.iter().map(BlockMatrix::bases);
            let bases = bases.collect::<Result<Vec<_>, _>>()?;
            let squares = parts.all(&(*config, bases), move |cost, (config, bases)| {
                let squares = Passes::new(cost, &config)?.squares_along(&bases)?;
                let sent = squares.into_iter().map(|it| {
                    let sent = it.map(|it| Parcel::to(it, &home));
                    sent.transpose()
                });
                sent.collect::<Result<Vec<_>, _>>()
            })?;
            let squares = by_place(squares).into_iter().map(|of| {
                let of: Option<Vec<_>> = of.into_iter().collect();
                Some(parts.reduced(parts.shares().zip(of?)))
            });
            found.correct(squares.collect());
        }
        Ok(found)
    }
}

impl KroneckerFactored {
    /// From the means of all blocks' moments.
    fn new(
        passes: &Passes<'_>,
        cost: &Cost,
        moments: Vec<BlockMoments>,
    ) -> Result<Self, CurvatureError> {
        let moments = moments.into_iter().zip(&passes.blocks);
        let matrices = moments.map(|(moments, block)| BlockMatrix::new(block, moments));
        Ok(Self {
            blocks: matrices.collect::<Result<_, _>>()?,
            coverage: passes.coverage(),
            parameters: cost.model().parameters().to_vec(),
        })
    }

    /// Takes the gradients' second moments as eigenvalues of the layers' blocks.
    fn correct(&mut self, squares: Vec<Option<Tensor<2>>>) {
        for (block, squares) in self.blocks.iter_mut().zip(squares) {
            if let Some(squares) = squares {
                block.correct(squares);
            }
        }
    }

    /// What is known of which parameters: all are covered.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// All that it is made of, by name, for [`Cost::kronecker_restored`].
    pub fn tensors(&self) -> Vec<(String, TensorData)> {
        let blocks = self.blocks.iter().enumerate();
        let named = blocks.flat_map(|(place, block)| {
            let tensors = block.tensors().into_iter();
            tensors.map(move |(name, data)| (tensor_name(place, name), data))
        });
        named.collect()
    }

    /// The matrix times the rows of `vs`, `[k, dim]`.
    pub fn products(&self, vs: &Tensor<2>) -> Tensor<2> {
        self.map(vs, &|values| values)
    }

    /// The inverse of the matrix with damping, times the rows of `vs`, `[k, dim]`. The damping must be positive: blocks
    /// are singular where there are fewer examples than parameters.
    pub fn solve(&self, vs: &Tensor<2>, damping: f64) -> Tensor<2> {
        self.map(vs, &|values| (values + damping).recip())
    }

    /// The sum of all eigenvalues. With every column it is the trace of the Gauss-Newton matrix where the eigenvalues
    /// are corrected.
    ///
    /// # Errors
    /// [`CurvatureError::Device`].
    pub fn trace(&self) -> Result<f64, CurvatureError> {
        let mut total = 0.0;
        for block in &self.blocks {
            total += block.trace().try_into_scalar::<f64>()?;
        }
        Ok(total)
    }

    fn map(&self, vs: &Tensor<2>, f: &dyn Fn(Tensor<1>) -> Tensor<1>) -> Tensor<2> {
        let blocks = self.blocks.iter();
        let mut pieces: Vec<_> = blocks
            .flat_map(|it| it.map(&self.parameters, vs, f))
            .collect();
        pieces.sort_by_key(|(parameter, _)| *parameter);
        Tensor::cat(pieces.into_iter().map(|(_, piece)| piece).collect(), 1)
    }
}

/// What a tensor of a block is called.
fn tensor_name(place: usize, name: &str) -> String {
    format!("block.{place}.{name}")
}
