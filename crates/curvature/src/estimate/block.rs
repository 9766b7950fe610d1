//! A block of a structured approximation, with its eigenvalues.

use backdraft_dense::{DenseMatrix, Eigen};
use burn::{Tensor, tensor::TensorData};

use super::{
    accumulate::BlockMoments,
    layout::{KroneckerBlock, ParameterBlock},
};
use crate::{CurvatureError, Model, Parameter, parts::Parcel};

/// What the tensors of a block are called.
const LEFT: &str = "left";
const RIGHT: &str = "right";
const VECTORS: &str = "vectors";
const VALUES: &str = "values";

/// A block `V' diag(values) V`.
pub(super) enum BlockMatrix {
    Kronecker(Box<KroneckerMatrix>),
    Exact {
        parameter: usize,
        vectors: Box<Tensor<2>>,
        values: Tensor<1>,
    },
    Diagonal {
        parameter: usize,
        values: Tensor<1>,
    },
}

/// A layer's block.
pub(super) struct KroneckerMatrix {
    pub block: KroneckerBlock,
    /// Eigenvectors of the inputs' and of the outputs' matrix, one a row.
    pub left: Tensor<2>,
    pub right: Tensor<2>,
    /// `[inputs, outputs]`.
    pub values: Tensor<2>,
}

/// What a block makes of vectors: the part of each parameter, `[k, len]`.
pub(super) type Pieces = Vec<(usize, Tensor<2>)>;

impl BlockMatrix {
    /// From the mean of a block's moments.
    pub fn new(block: &ParameterBlock, moments: BlockMoments) -> Result<Self, CurvatureError> {
        Ok(match (block, moments) {
            (ParameterBlock::Kronecker(block), BlockMoments::Kronecker(moments)) => {
                let [inputs, gradients] = *moments;
                let ((a, left), (d, right)) = (eigen(inputs)?, eigen(gradients)?);
                Self::Kronecker(Box::new(KroneckerMatrix {
                    block: block.clone(),
                    values: a.unsqueeze_dim(1).matmul(d.unsqueeze_dim(0)),
                    left,
                    right,
                }))
            }
            (ParameterBlock::Exact(parameter), BlockMoments::Exact(matrix)) => {
                let (values, vectors) = eigen(matrix)?;
                Self::Exact {
                    parameter: *parameter,
                    vectors: Box::new(vectors),
                    values,
                }
            }
            (ParameterBlock::Diagonal(parameter), BlockMoments::Diagonal(values)) => {
                Self::Diagonal {
                    parameter: *parameter,
                    values,
                }
            }
            _ => unreachable!("moments of this block"),
        })
    }

    /// Its tensors, by name.
    pub fn tensors(&self) -> Vec<(&'static str, TensorData)> {
        match self {
            Self::Kronecker(matrix) => vec![
                (LEFT, matrix.left.to_data()),
                (RIGHT, matrix.right.to_data()),
                (VALUES, matrix.values.to_data()),
            ],
            Self::Exact {
                vectors, values, ..
            } => vec![(VECTORS, vectors.to_data()), (VALUES, values.to_data())],
            Self::Diagonal { values, .. } => vec![(VALUES, values.to_data())],
        }
    }

    /// From these, as `take` gives them.
    pub fn restored(
        block: &ParameterBlock,
        model: &Model,
        mut take: impl FnMut(&str) -> Option<TensorData>,
    ) -> Result<Self, CurvatureError> {
        let mut take = |name: &'static str, shape: &[usize]| {
            let data = take(name).filter(|data| data.shape().to_vec() == shape);
            let problem = format!("has no tensor `{name}` of the shape {shape:?} for a block");
            data.ok_or_else(|| CurvatureError::setting("factors", problem))
        };
        let place = (model.device(), model.dtype());
        let len = |parameter: usize| model.parameters()[parameter].len();
        Ok(match block {
            ParameterBlock::Kronecker(block) => {
                let [inputs, outputs] = block.sides();
                Self::Kronecker(Box::new(KroneckerMatrix {
                    left: Tensor::from_data(take(LEFT, &[inputs, inputs])?, place),
                    right: Tensor::from_data(take(RIGHT, &[outputs, outputs])?, place),
                    values: Tensor::from_data(take(VALUES, &[inputs, outputs])?, place),
                    block: block.clone(),
                }))
            }
            &ParameterBlock::Exact(parameter) => {
                let len = len(parameter);
                let vectors = Tensor::from_data(take(VECTORS, &[len, len])?, place);
                Self::Exact {
                    parameter,
                    vectors: Box::new(vectors),
                    values: Tensor::from_data(take(VALUES, &[len])?, place),
                }
            }
            &ParameterBlock::Diagonal(parameter) => Self::Diagonal {
                parameter,
                values: Tensor::from_data(take(VALUES, &[len(parameter)])?, place),
            },
        })
    }

    /// A layer's block.
    pub fn layer(&self) -> Option<&KroneckerMatrix> {
        match self {
            Self::Kronecker(matrix) => Some(matrix),
            _ => None,
        }
    }

    /// The eigenvectors of a layer's block, for any device.
    ///
    /// # Errors
    /// [`CurvatureError::Device`].
    pub fn bases(&self) -> Result<Option<[Parcel<2>; 2]>, CurvatureError> {
        let Some(KroneckerMatrix { left, right, .. }) = self.layer() else {
            return Ok(None);
        };
        let [left, right] = [left, right].map(|it| Parcel::anywhere(it.clone()));
        Ok(Some([left?, right?]))
    }

    /// Takes other eigenvalues for the same directions of a layer's block.
    pub fn correct(&mut self, squares: Tensor<2>) {
        if let Self::Kronecker(matrix) = self {
            matrix.values = squares;
        }
    }

    /// `V' diag(f(values)) V` times the block's part of `vs`, `[k, dim]`.
    pub fn map(
        &self,
        parameters: &[Parameter],
        vs: &Tensor<2>,
        f: &dyn Fn(Tensor<1>) -> Tensor<1>,
    ) -> Pieces {
        match self {
            Self::Kronecker(matrix) => matrix.map(parameters, vs, f),
            Self::Exact {
                parameter,
                vectors,
                values,
            } => {
                let along =
                    piece(&parameters[*parameter], vs).matmul((**vectors).clone().transpose());
                let along = along * f(values.clone()).unsqueeze();
                vec![(*parameter, along.matmul((**vectors).clone()))]
            }
            Self::Diagonal { parameter, values } => {
                let v = piece(&parameters[*parameter], vs);
                vec![(*parameter, v * f(values.clone()).unsqueeze())]
            }
        }
    }

    /// The sum of all eigenvalues.
    pub fn trace(&self) -> Tensor<1> {
        match self {
            Self::Kronecker(matrix) => matrix.values.clone().sum(),
            Self::Exact { values, .. } | Self::Diagonal { values, .. } => values.clone().sum(),
        }
    }
}

impl KroneckerMatrix {
    fn map(
        &self,
        parameters: &[Parameter],
        vs: &Tensor<2>,
        f: &dyn Fn(Tensor<1>) -> Tensor<1>,
    ) -> Pieces {
        let [inputs, outputs] = self.values.dims();
        let weights = f(self.values.clone().reshape([inputs * outputs]));
        let v = gather(&self.block, parameters, vs);
        let along = sandwich(self.left.clone(), v, self.right.clone().transpose());
        let along = along * weights.reshape([1, inputs, outputs]);
        let v = sandwich(self.left.clone().transpose(), along, self.right.clone());
        scatter(&self.block, parameters, v)
    }
}

/// Eigenvalues that are not negative, ascending, and eigenvectors as rows, of a symmetric matrix, in its type and on
/// its device.
fn eigen(matrix: Tensor<2>) -> Result<(Tensor<1>, Tensor<2>), CurvatureError> {
    let (dim, device, dtype) = (matrix.dims()[0], matrix.device(), matrix.dtype());
    let values = matrix.try_into_vec_as::<f64>()?;
    let found = Eigen::new(&DenseMatrix::new(dim, dim, values).symmetric());
    let Some(Eigen { values, vectors }) = found else {
        return Err(CurvatureError::NotFinite {
            what: "a factor of the structured approximation",
            cause: crate::Cause::Unknown,
        });
    };
    let values: Vec<f64> = values.into_iter().map(|value| value.max(0.0)).collect();
    let options = (&device, dtype);
    let values = Tensor::from_data(TensorData::new(values, [dim]), options);
    let vectors = TensorData::new(vectors.into_values(), [dim, dim]);
    Ok((values, Tensor::from_data(vectors, options)))
}

/// `left v right` for every `v`, `[k, rows, columns]`.
fn sandwich(left: Tensor<2>, v: Tensor<3>, right: Tensor<2>) -> Tensor<3> {
    let [k, rows, columns] = v.dims();
    let v = v.reshape([k * rows, columns]).matmul(right);
    // All columns of all `v` side by side, so that this is one product too.
    let v = v.reshape([k, rows, columns]).swap_dims(0, 1);
    let v = left.matmul(v.reshape([rows, k * columns]));
    v.reshape([rows, k, columns]).swap_dims(0, 1)
}

/// A parameter's part of vectors.
fn piece(parameter: &Parameter, vs: &Tensor<2>) -> Tensor<2> {
    vs.clone().narrow(1, parameter.offset, parameter.len())
}

/// A layer's part of vectors, `[k, inputs, outputs]`, the bias as the last input's.
fn gather(block: &KroneckerBlock, parameters: &[Parameter], vs: &Tensor<2>) -> Tensor<3> {
    let (k, [rows, columns]) = (vs.dims()[0], block.shape);
    let weight = piece(&parameters[block.weight], vs).reshape([k, rows, columns]);
    let weight = match block.inputs_first {
        true => weight,
        false => weight.swap_dims(1, 2),
    };
    match block.bias {
        Some(bias) => {
            let bias = piece(&parameters[bias], vs).unsqueeze_dim(1);
            Tensor::cat(vec![weight, bias], 1)
        }
        None => weight,
    }
}

/// The parameters' parts of a layer's.
fn scatter(block: &KroneckerBlock, parameters: &[Parameter], v: Tensor<3>) -> Pieces {
    let k = v.dims()[0];
    let mut pieces = Vec::new();
    let mut weight = v.clone();
    if let Some(bias) = block.bias {
        let inputs = v.dims()[1] - 1;
        weight = v.clone().narrow(1, 0, inputs);
        pieces.push((bias, v.narrow(1, inputs, 1).squeeze_dim(1)));
    }
    if !block.inputs_first {
        weight = weight.swap_dims(1, 2);
    }
    let len = parameters[block.weight].len();
    pieces.push((block.weight, weight.reshape([k, len])));
    pieces
}
