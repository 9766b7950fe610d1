//! Outputs that are sums of outer products, by the vectors that these are made of.
//!
//! The gradient in the weight of a linear layer or of a convolution is one: of the layer's inputs and of the gradients
//! in its outputs, over all positions at which the weight is used. Structured approximations of curvature matrices
//! (K-FAC) are made of these vectors.

mod find;
mod vectors;

use burn_ir::OperationIr;

use self::{find::Search, vectors::OuterVectors};
use crate::ir::{error::ProgramError, operation::index, program::Program};

/// An output seen as a matrix, `[rows, columns]` in row-major order:
///
/// ```text
/// output = sum over terms, sum over r of left[r]' right[r],   left: [R, rows], right: [R, columns]
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OuterProducts {
    /// Rows and columns of the matrix.
    pub shape: [usize; 2],
    /// Its terms.
    pub terms: Vec<OuterProduct>,
}

/// Where the vectors of a term are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OuterProduct {
    /// The output `[R, rows]`; `None` for ones, `[R, 1]`: a sum of the right vectors.
    pub left: Option<usize>,
    /// The output `[R, columns]`.
    pub right: usize,
}

impl Program {
    /// A program of the same inputs that returns the vectors of which the outputs `of` are sums of outer products, for
    /// those that are, and after them the outputs `whole` as they are. Where the vectors of each of `of` are is said in
    /// order. Vectors that several have in common, such as a layer's output gradients in the gradients of its weight
    /// and of its bias, are one output.
    ///
    /// # Errors
    /// None for a program that was traced or derived; the type is that of all transformations.
    pub fn outer_products(
        &self,
        of: &[usize],
        whole: &[usize],
    ) -> Result<(Self, Vec<Option<OuterProducts>>), ProgramError> {
        let search = Search::new(&self.operations, self.uses.len());
        let mut vectors: Vec<OuterVectors> = Vec::new();
        let mut found = Vec::with_capacity(of.len());
        for &output in of {
            let sum = search.output(&self.outputs[output]);
            found.push(sum.map(|sum| {
                OuterProducts {
                    shape: sum.shape,
                    terms: (sum.terms.into_iter())
                        .map(|(left, right)| OuterProduct {
                            left: left.map(|left| place(&mut vectors, left)),
                            right: place(&mut vectors, right),
                        })
                        .collect(),
                }
            }));
        }
        let mut outputs: Vec<_> = vectors.iter().map(|it| it.tensor.clone()).collect();
        outputs.extend(whole.iter().map(|&output| self.outputs[output].clone()));
        let raw = Self {
            outputs,
            ..self.clone()
        };
        let raw = raw.simplify()?;
        let names = self.input_names();
        let program = Self::trace_named(&self.settings, &self.inputs(), names, |inputs| {
            let mut outputs = raw.call(inputs)?;
            let whole = outputs.split_off(vectors.len());
            let rows = outputs.into_iter().zip(&vectors);
            let rows = rows.map(|(tensor, vectors)| vectors.rows(tensor));
            Ok(rows.chain(whole).collect())
        })?;
        Ok((program, found))
    }

    /// Which outputs depend on the inputs `varying`.
    pub fn depend(&self, varying: &[usize]) -> Vec<bool> {
        let mut depends = vec![false; self.uses.len()];
        let named = varying.iter().filter_map(|&i| self.inputs.get(i));
        named.for_each(|tensor| depends[index(tensor)] = true);
        for op in &self.operations {
            if OperationIr::inputs(op).any(|tensor| depends[index(tensor)]) {
                op.outputs()
                    .for_each(|tensor| depends[index(tensor)] = true);
            }
        }
        self.outputs.iter().map(|it| depends[index(it)]).collect()
    }

    /// The same program with the outputs `of` alone.
    ///
    /// # Errors
    /// None for a program that was traced or derived; the type is that of all transformations.
    pub fn only_outputs(&self, of: &[usize]) -> Result<Self, ProgramError> {
        let outputs = of.iter().map(|&i| self.outputs[i].clone()).collect();
        let program = Self {
            outputs,
            ..self.clone()
        };
        program.simplify()
    }
}

/// The position of `wanted` among `all`, to which it is added if it is new.
fn place(all: &mut Vec<OuterVectors>, wanted: OuterVectors) -> usize {
    let known = all.iter().position(|vectors| *vectors == wanted);
    known.unwrap_or_else(|| {
        all.push(wanted);
        all.len() - 1
    })
}
