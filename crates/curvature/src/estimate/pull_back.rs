//! What a square root of the output Hessians becomes in a network's layers and parameters.
//!
//! ```text
//! H_i = sum over k of u_ik u_ik',   G = 1/N sum over i, k of (J_i' u_ik) (J_i' u_ik)'
//! ```
//!
//! The columns `u_ik` are pulled back through each example by itself.

use std::ops::Range;

use backdraft_program::{Compiled, DispatchTensor, OuterProducts, Program, Spec};
use burn::{
    Tensor,
    backend::{Dispatch, TensorMetadata, ops::FloatTensorOps},
    tensor::Shape,
};

use crate::{Cost, CurvatureError, data::Batch, function::BatchFunction};

/// Bytes that may be under way at once: 256 MiB.
const WORKING: usize = 256 << 20;

/// Pulls columns back through one example.
pub(super) struct PullBack {
    /// `(parameters .., constants .., inputs .., u) -> (outputs, gradients of the parameters ..)`, of one example.
    program: Program,
    /// Positions of the inputs among the arguments; `u` follows.
    inputs: Range<usize>,
    parameters: usize,
    outputs: usize,
}

/// What is computed of every example: results that do not vary with the columns, and those that do.
pub(super) struct PullBackPrograms {
    fixed: Program,
    varying: Program,
}

/// Where the results are.
pub(super) struct ResultPlaces {
    /// For every layer and term, its inputs among the fixed results, and its output gradients among the varying ones.
    pub layers: Vec<Vec<(usize, usize)>>,
    /// Whole gradients among the varying results.
    pub whole: Vec<usize>,
}

/// The results for a few examples: `[examples, ..]`, and `[examples, columns, ..]`.
pub(super) struct PulledBack {
    pub fixed: Vec<DispatchTensor>,
    pub varying: Vec<DispatchTensor>,
}

impl PulledBack {
    /// A whole gradient, for every example and column, as rows.
    pub fn gradients(&self, at: usize) -> Tensor<2> {
        let tensor = &self.varying[at];
        let shape = tensor.shape();
        let rows = shape[0] * shape[1];
        shaped(tensor, [rows, shape.num_elements() / rows])
    }
}

impl PullBack {
    pub fn new(cost: &Cost) -> Result<Self, CurvatureError> {
        let (model, batch) = (
            cost.model(),
            cost.batches().next().expect("a cost has examples")?,
        );
        let mut arguments = model.tensors();
        let first = arguments.len();
        let rows = batch.iter().take(model.arity());
        arguments.extend(rows.map(|rows| rows.slice(0..1).into_dispatch()));
        let specs: Vec<Spec> = arguments.iter().map(Spec::of).collect();
        let names = model.parameters().iter().map(|it| it.name.as_str());
        let forward = Program::trace_named(&model.settings(), &specs, names, |arguments| {
            Ok(vec![model.forward(&arguments).into_dispatch()])
        })?;
        let outputs = forward.outputs()[0].shape[1];
        let parameters = model.parameters().len();
        Ok(Self {
            program: forward.vjp(&(0..parameters).collect::<Vec<_>>())?,
            inputs: first..arguments.len(),
            parameters,
            outputs,
        })
    }

    /// The network's outputs for an example.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// How the gradients of all parameters are made of outer products, and which of the vectors vary with what is
    /// pulled back.
    pub fn structure(&self) -> Result<(Vec<Option<OuterProducts>>, Vec<bool>), CurvatureError> {
        let gradients: Vec<usize> = (1..=self.parameters).collect();
        let (program, found) = self.program.outer_products(&gradients, &[])?;
        Ok((found, program.depend(&[self.inputs.end])))
    }

    /// The vectors of the gradients of the parameters `layers`, and the whole gradients of the parameters `whole`.
    pub fn quantities(
        &self,
        layers: &[usize],
        whole: &[usize],
    ) -> Result<(PullBackPrograms, ResultPlaces), CurvatureError> {
        let gradients = |all: &[usize]| all.iter().map(|i| i + 1).collect::<Vec<_>>();
        let (program, found) = self
            .program
            .outer_products(&gradients(layers), &gradients(whole))?;
        let varies = program.depend(&[self.inputs.end]);
        let (mut fixed, mut varying, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (output, varies) in varies.iter().enumerate() {
            let side = if *varies { &mut varying } else { &mut fixed };
            places.push(side.len());
            side.push(output);
        }
        let layers = found.into_iter().flatten().map(|found| {
            let terms = found.terms.into_iter().map(|term| {
                let left = term.left.expect("a layer has inputs");
                match varies[left] {
                    true => (places[term.right], places[left]),
                    false => (places[left], places[term.right]),
                }
            });
            terms.collect()
        });
        let layers = layers.collect();
        let whole = places.split_off(places.len() - whole.len());
        let quantities = PullBackPrograms {
            fixed: program.only_outputs(&fixed)?,
            varying: program.only_outputs(&varying)?,
        };
        Ok((quantities, ResultPlaces { layers, whole }))
    }

    /// Calls `take` with the results for a few examples at a time, one after another. `mixture`, `[k, outputs]`, says
    /// which mixtures of the columns are pulled back.
    pub fn for_each(
        &self,
        cost: &Cost,
        quantities: &PullBackPrograms,
        mixture: &Tensor<2>,
        mut take: impl FnMut(PulledBack) -> Result<(), CurvatureError>,
    ) -> Result<(), CurvatureError> {
        let columns = mixture.dims()[0];
        let mapped: Vec<usize> = (self.inputs.start..=self.inputs.end).collect();
        let each = quantities.varying.vmap(&[self.inputs.end], columns)?;
        let most = (WORKING / each.peak_bytes().max(1)).max(1);
        let device = cost.model().device();
        let mut compiled: Option<(usize, Compiled, Compiled)> = None;
        for batch in cost.batches() {
            let batch = batch?;
            let roots = self.roots(cost, &batch, mixture)?;
            let len = batch[0].len();
            for start in (0..len).step_by(most) {
                let range = start..len.min(start + most);
                let count = range.len();
                if compiled.as_ref().is_none_or(|(size, ..)| *size != count) {
                    let inputs = &mapped[..mapped.len() - 1];
                    let fixed = quantities.fixed.vmap(inputs, count)?.compile(device);
                    let varying = each.vmap(&mapped, count)?.compile(device);
                    compiled = Some((count, fixed, varying));
                }
                let (_, fixed, varying) = compiled.as_ref().expect("just compiled");
                let mut arguments = cost.model().tensors();
                let rows = batch.iter().take(self.inputs.len());
                arguments.extend(rows.map(|rows| rows.slice(range.clone()).apart()));
                let u = roots.clone().slice(range);
                let one = u.clone().slice([0..1, 0..1]).reshape([1, self.outputs]);
                let u = u.reshape([count, columns, 1, self.outputs]);
                let with = |u: DispatchTensor| [arguments.clone(), vec![u]].concat();
                take(PulledBack {
                    fixed: fixed.run(with(one.into_dispatch()))?,
                    varying: varying.run(with(u.into_dispatch()))?,
                })?;
            }
        }
        Ok(())
    }

    /// The columns that are pulled back, `[batch, k, outputs]`.
    fn roots(
        &self,
        cost: &Cost,
        batch: &Batch,
        mixture: &Tensor<2>,
    ) -> Result<Tensor<3>, CurvatureError> {
        let mut arguments = cost.arguments(batch.clone(), Vec::new());
        arguments.push(mixture.clone().into_dispatch());
        let program = cost
            .programs()
            .get(BatchFunction::OUTPUT_ROOTS, cost.parts(), &arguments)?;
        let roots = program.run(arguments)?.into_iter().next_back();
        Ok(Tensor::from_dispatch(roots.expect("the roots")))
    }
}

/// The weights of all columns by themselves, `[outputs, outputs]`.
pub(super) fn every_column(cost: &Cost, outputs: usize) -> Tensor<2> {
    Tensor::<2>::eye(outputs, cost.model().device()).cast(cost.model().dtype())
}

/// `tensor` in another shape.
pub(super) fn shaped<const D: usize>(tensor: &DispatchTensor, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::float_reshape(tensor.clone(), Shape::new(shape)))
}
