//! What an inverse is made of, to be kept and taken up by a later process.

use std::collections::BTreeMap;

use backdraft_curvature::LinearOperator;
use backdraft_dense::DenseMatrix;
use burn::tensor::{Tensor, TensorData};

use super::SolveError;

/// Tensors by name that an [`Inverse`](super::Inverse) is made of, as [`Inverse::factors`](super::Inverse::factors)
/// gives them and [`Solver::restore`](super::Solver::restore) takes them.
#[derive(Clone, Debug, Default)]
pub struct Factors(BTreeMap<String, TensorData>);

impl FromIterator<(String, TensorData)> for Factors {
    fn from_iter<T: IntoIterator<Item = (String, TensorData)>>(tensors: T) -> Self {
        Self(tensors.into_iter().collect())
    }
}

impl Factors {
    /// All tensors, by name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &TensorData)> {
        self.0.iter().map(|(name, data)| (name.as_str(), data))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn put(&mut self, name: impl Into<String>, data: TensorData) {
        self.0.insert(name.into(), data);
    }

    pub(super) fn put_numbers(&mut self, name: impl Into<String>, values: &[f64]) {
        self.put(name, TensorData::new(values.to_vec(), [values.len()]));
    }

    pub(super) fn put_matrix(&mut self, name: impl Into<String>, matrix: &DenseMatrix) {
        let shape = [matrix.rows(), matrix.columns()];
        self.put(name, TensorData::new(matrix.values().to_vec(), shape));
    }

    pub(super) fn holds(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A tensor, which is let go of.
    pub(super) fn take(&mut self, name: &str) -> Result<TensorData, SolveError> {
        let found = self.0.remove(name);
        found.ok_or_else(|| misfit(name, "is missing"))
    }

    /// A tensor in the place of `operator`, of this shape.
    pub(super) fn tensor<const D: usize>(
        &mut self,
        name: &str,
        shape: [Option<usize>; D],
        operator: &dyn LinearOperator,
    ) -> Result<Tensor<D>, SolveError> {
        let data = self.take(name)?;
        let found = data.shape().to_vec();
        let fits = found.len() == D
            && found
                .iter()
                .zip(shape)
                .all(|(found, asked)| asked.is_none_or(|asked| asked == *found));
        if !fits {
            return Err(misfit(name, &format!("has the shape {found:?}")));
        }
        Ok(Tensor::from_data(
            data,
            (&operator.device(), operator.dtype()),
        ))
    }

    pub(super) fn numbers(&mut self, name: &str) -> Result<Vec<f64>, SolveError> {
        let data = self.take(name)?;
        let values = data.try_into_vec::<f64>();
        values.map_err(|_| misfit(name, "is of another type than 64-bit numbers"))
    }

    pub(super) fn number(&mut self, name: &str) -> Result<f64, SolveError> {
        match *self.numbers(name)? {
            [number] => Ok(number),
            _ => Err(misfit(name, "is not one number")),
        }
    }

    pub(super) fn matrix(&mut self, name: &str) -> Result<DenseMatrix, SolveError> {
        let shape = self.0.get(name).map(|data| data.shape().to_vec());
        let values = self.numbers(name)?;
        match shape.as_deref() {
            Some(&[rows, columns]) => Ok(DenseMatrix::new(rows, columns, values)),
            _ => Err(misfit(name, "is no matrix")),
        }
    }
}

/// The error of factors that are of something else.
pub(super) fn misfit(name: &str, problem: &str) -> SolveError {
    SolveError::Factors {
        name: name.to_owned(),
        problem: problem.to_owned(),
    }
}
