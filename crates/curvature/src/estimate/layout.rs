//! Which parameters a structured approximation takes together, and how.

use backdraft_program::OuterProducts;

use super::coverage::{BlockKind, BlockSummary};
use crate::Parameter;

/// A part of the parameters with a curvature of its own.
pub(super) enum ParameterBlock {
    /// A weight whose gradient is a sum of outer products of inputs and output gradients, and the bias that is added to
    /// the same outputs.
    Kronecker(KroneckerBlock),
    /// One parameter, all of whose pairs are known.
    Exact(usize),
    /// One parameter, without its pairs.
    Diagonal(usize),
}

/// What a Kronecker product stands for.
#[derive(Clone)]
pub(super) struct KroneckerBlock {
    pub weight: usize,
    pub bias: Option<usize>,
    /// Positions of the output gradients among the vectors of the outer products.
    gradients: Vec<usize>,
    /// The weight as a matrix, `[rows, columns]`.
    pub shape: [usize; 2],
    /// Whether its rows are the layer's inputs; otherwise its columns are.
    pub inputs_first: bool,
}

impl KroneckerBlock {
    /// From the outer products of a weight's gradient, if on one side of them are the layer's inputs, which do not
    /// depend on what is pulled back, and on the other what does: its output gradients.
    fn new(weight: usize, found: &OuterProducts, varies: &[bool]) -> Option<Self> {
        let mut gradients = Vec::with_capacity(found.terms.len());
        let mut first = None;
        for term in &found.terms {
            let (left, right) = (term.left?, term.right);
            let inputs_first = match (varies[left], varies[right]) {
                (false, true) => true,
                (true, false) => false,
                _ => return None,
            };
            if *first.get_or_insert(inputs_first) != inputs_first {
                return None;
            }
            gradients.push(if inputs_first { right } else { left });
        }
        Some(Self {
            weight,
            bias: None,
            gradients,
            shape: found.shape,
            inputs_first: first?,
        })
    }

    /// The layer's inputs, with the 1 for its bias, and its outputs.
    pub fn sides(&self) -> [usize; 2] {
        let [rows, columns] = self.shape;
        let [inputs, outputs] = match self.inputs_first {
            true => [rows, columns],
            false => [columns, rows],
        };
        [inputs + usize::from(self.bias.is_some()), outputs]
    }

    /// Whether `found` is the gradient of the bias of the same layer: the sum of the same output gradients.
    fn is_biased_by(&self, found: &OuterProducts) -> bool {
        let sums = found.terms.iter().all(|term| term.left.is_none());
        let gradients = found.terms.iter().map(|term| term.right);
        sums && gradients.eq(self.gradients.iter().copied())
    }
}

/// The blocks of a network's parameters, from how the gradient of each is `found`, and whether the vectors that it is
/// made of vary with what is pulled back.
pub(super) fn blocks(
    parameters: &[Parameter],
    found: &[Option<OuterProducts>],
    varies: &[bool],
    exact: usize,
) -> Vec<ParameterBlock> {
    let weights = found.iter().enumerate();
    let mut layers: Vec<KroneckerBlock> = weights
        .filter_map(|(i, found)| KroneckerBlock::new(i, found.as_ref()?, varies))
        .collect();
    let mut rest = Vec::new();
    for (i, parameter) in parameters.iter().enumerate() {
        if layers.iter().any(|layer| layer.weight == i) {
            continue;
        }
        let layer = found[i].as_ref().and_then(|found| {
            let mut layers = layers.iter_mut();
            layers.find(|layer| layer.bias.is_none() && layer.is_biased_by(found))
        });
        match layer {
            Some(layer) => layer.bias = Some(i),
            None if parameter.len() <= exact => rest.push(ParameterBlock::Exact(i)),
            None => rest.push(ParameterBlock::Diagonal(i)),
        }
    }
    layers
        .into_iter()
        .map(ParameterBlock::Kronecker)
        .chain(rest)
        .collect()
}

impl ParameterBlock {
    pub fn summary(&self, parameters: &[Parameter]) -> BlockSummary {
        let (kind, of) = match self {
            Self::Kronecker(block) => {
                let bias = block.bias.into_iter();
                (
                    BlockKind::Kronecker,
                    [block.weight].into_iter().chain(bias).collect(),
                )
            }
            Self::Exact(parameter) => (BlockKind::Exact, vec![*parameter]),
            Self::Diagonal(parameter) => (BlockKind::Diagonal, vec![*parameter]),
        };
        BlockSummary {
            kind,
            names: of.iter().map(|&i| parameters[i].name.clone()).collect(),
            len: of.iter().map(|&i| parameters[i].len()).sum(),
        }
    }
}
