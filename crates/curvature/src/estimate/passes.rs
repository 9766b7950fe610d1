//! The passes over the examples that K-FAC and EK-FAC take.

use burn::{Tensor, tensor::TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    KroneckerConfig,
    accumulate::{BlockMoments, BlockSource, LayerVectors},
    block::BlockMatrix,
    coverage::Coverage,
    layout::{ParameterBlock, blocks},
    pull_back::{PullBack, PullBackPrograms, every_column},
};
use crate::{Cost, CurvatureError, parts::Parcel};

/// A cost, and what is computed of its examples.
pub(super) struct Passes<'a> {
    cost: &'a Cost,
    pull_back: PullBack,
    quantities: PullBackPrograms,
    mixture: Tensor<2>,
    all_columns: bool,
    pub blocks: Vec<ParameterBlock>,
    /// Where the results for each block are.
    sources: Vec<BlockSource>,
}

impl<'a> Passes<'a> {
    pub fn new(cost: &'a Cost, config: &KroneckerConfig) -> Result<Self, CurvatureError> {
        if !cost.loss().convex() {
            return Err(CurvatureError::NotConvex);
        }
        if config.columns == 0 {
            let problem = "is 0, must be at least 1".to_owned();
            return Err(CurvatureError::setting("columns", problem));
        }
        let pull_back = PullBack::new(cost)?;
        let (found, varies) = pull_back.structure()?;
        let parameters = cost.model().parameters();
        let blocks = blocks(parameters, &found, &varies, config.exact);
        let (mut layers, mut whole) = (Vec::new(), Vec::new());
        for block in &blocks {
            match block {
                ParameterBlock::Kronecker(block) => layers.push(block.weight),
                ParameterBlock::Exact(parameter) | ParameterBlock::Diagonal(parameter) => {
                    whole.push(*parameter)
                }
            }
        }
        let (quantities, places) = pull_back.quantities(&layers, &whole)?;
        let outputs = pull_back.outputs();
        Ok(Self {
            sources: sources(&blocks, &places.layers, &places.whole),
            mixture: mixture(cost, config, outputs),
            all_columns: outputs <= config.columns,
            cost,
            pull_back,
            quantities,
            blocks,
        })
    }

    pub fn coverage(&self) -> Coverage {
        let parameters = self.cost.model().parameters();
        let blocks = self.blocks.iter();
        Coverage {
            blocks: blocks.map(|block| block.summary(parameters)).collect(),
            columns: self.mixture.dims()[0],
            all_columns: self.all_columns,
        }
    }

    /// The mean over examples of every block's moments.
    pub fn moments(&self) -> Result<Vec<BlockMoments>, CurvatureError> {
        let mut total: Vec<Option<BlockMoments>> = self.blocks.iter().map(|_| None).collect();
        let sources = || self.blocks.iter().zip(&self.sources);
        let (cost, quantities) = (self.cost, &self.quantities);
        self.pull_back
            .for_each(cost, quantities, &self.mixture, |part| {
                for (total, (block, source)) in total.iter_mut().zip(sources()) {
                    let moments = BlockMoments::new(block, source, &part);
                    *total = Some(match total.take() {
                        Some(before) => before.add(moments),
                        None => moments,
                    });
                }
                Ok(())
            })?;
        let total = total.into_iter().map(|it| it.expect("a cost has examples"));
        Ok(total.map(|it| it.over(self.cost.len())).collect())
    }

    /// The gradients' mean second moments along the eigenvectors of the layers' blocks.
    pub fn squares(
        &self,
        matrices: &[BlockMatrix],
    ) -> Result<Vec<Option<Tensor<2>>>, CurvatureError> {
        let bases = matrices.iter().map(|it| {
            let layer = it.layer()?;
            Some([layer.left.clone(), layer.right.clone()])
        });
        self.along(&bases.collect::<Vec<_>>())
    }

    /// The same, with eigenvectors that come from elsewhere.
    pub fn squares_along(
        &self,
        bases: &[Option<[Parcel<2>; 2]>],
    ) -> Result<Vec<Option<Tensor<2>>>, CurvatureError> {
        let model = self.cost.model();
        let opened = bases.iter().map(|it| {
            let open = |it: Parcel<2>| it.open(model.device(), model.dtype());
            it.clone().map(|pair| pair.map(open))
        });
        self.along(&opened.collect::<Vec<_>>())
    }

    fn along(
        &self,
        bases: &[Option<[Tensor<2>; 2]>],
    ) -> Result<Vec<Option<Tensor<2>>>, CurvatureError> {
        let mut total: Vec<Option<Tensor<2>>> = bases.iter().map(|_| None).collect();
        let (cost, quantities) = (self.cost, &self.quantities);
        self.pull_back
            .for_each(cost, quantities, &self.mixture, |part| {
                for (at, total) in total.iter_mut().enumerate() {
                    let (Some([left, right]), ParameterBlock::Kronecker(block)) =
                        (&bases[at], &self.blocks[at])
                    else {
                        continue;
                    };
                    let BlockSource::Layer(terms) = &self.sources[at] else {
                        continue;
                    };
                    let vectors = LayerVectors::new(block, terms, &part);
                    let squares = vectors.squares(left, right);
                    *total = Some(match total.take() {
                        Some(before) => before + squares,
                        None => squares,
                    });
                }
                Ok(())
            })?;
        let count = cost.len() as f64;
        Ok(total
            .into_iter()
            .map(|it| it.map(|it| it / count))
            .collect())
    }
}

/// Where the results for each block are.
fn sources(
    blocks: &[ParameterBlock],
    layers: &[Vec<(usize, usize)>],
    whole: &[usize],
) -> Vec<BlockSource> {
    let (mut layers, mut whole) = (layers.iter(), whole.iter());
    let sources = blocks.iter().map(|block| match block {
        ParameterBlock::Kronecker(_) => {
            BlockSource::Layer(layers.next().expect("one a layer").clone())
        }
        ParameterBlock::Exact(_) | ParameterBlock::Diagonal(_) => {
            BlockSource::Whole(*whole.next().expect("one a parameter"))
        }
    });
    sources.collect()
}

/// The mixtures of the outputs' columns that are pulled back, `[columns, outputs]`: all by themselves, or random ones.
fn mixture(cost: &Cost, config: &KroneckerConfig, outputs: usize) -> Tensor<2> {
    let columns = config.columns;
    if outputs <= columns {
        return every_column(cost, outputs);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    let size = (columns as f64).sqrt().recip();
    let sign = |_| if rng.random() { size } else { -size };
    let values: Vec<f64> = (0..columns * outputs).map(sign).collect();
    let options = (cost.model().device(), cost.model().dtype());
    Tensor::from_data(TensorData::new(values, [columns, outputs]), options)
}
