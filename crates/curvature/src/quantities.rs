//! What is computed from a batch, as programs: traced once a batch shape.

use std::{
    cell::{OnceCell, RefCell},
    collections::{HashMap, HashSet},
    rc::Rc,
};

use backdraft_program::{Compiled, DispatchTensor, Lookup, ProgramError, Spec};
use burn::Tensor;

use crate::{CurvatureError, Examples, Model, build::Build, loss::Loss};

/// What a [`Cost`](crate::Cost) computes of a batch, as a function of `(parameters .., constants .., inputs .., targets ..)`, then
/// the factor `scale` (`1/N`) of a sum over examples and the vector `v`, where it has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quantity {
    /// The outputs `[batch, outputs]`.
    Outputs,
    /// The outputs and their derivatives along `v`, `[batch, outputs]` each.
    OutputsAlong,
    /// The losses `[batch]`.
    Losses,
    /// The losses' gradients in the outputs `[batch, outputs]`.
    OutputGradients,
    /// The scaled sum of the losses `[1]` and its gradient `[dim]`.
    Gradient,
    /// The losses' derivatives along `v`, `[batch]`.
    Directional,
    /// The gradients of the derivatives along `v` in the inputs, in the shapes of the inputs.
    InputDerivatives,
    /// The scaled sum of `J_i' H_i J_i v`, `[dim]`.
    GaussNewton,
    /// The scaled sum of `J_i' F_i J_i v`, with `F_i` the Fisher matrix of example `i`'s target given its outputs, `[dim]`.
    Fisher,
    /// The product of the Hessian of the scaled sum of the losses with `v`, `[dim]`.
    Hessian,
    /// The scaled sum of `g_i <g_i, v>` over the losses' gradients `g_i`, `[dim]`.
    EmpiricalFisher,
}

impl Quantity {
    /// Whether it is a sum over examples, which takes `scale`.
    pub(crate) fn has_scale(self) -> bool {
        match self {
            Self::Gradient
            | Self::GaussNewton
            | Self::Fisher
            | Self::Hessian
            | Self::EmpiricalFisher => true,
            Self::Outputs
            | Self::OutputsAlong
            | Self::Losses
            | Self::OutputGradients
            | Self::Directional
            | Self::InputDerivatives => false,
        }
    }

    /// Whether it takes `v`.
    pub(crate) fn has_vector(self) -> bool {
        !matches!(
            self,
            Self::Outputs | Self::Losses | Self::OutputGradients | Self::Gradient
        )
    }
}

/// A product that is linear in `v`, in two parts.
pub(crate) struct LinearMap {
    /// What does not depend on `v`: all arguments but `v` to kept values.
    pub fixed: Compiled,
    /// The rest: `(v, kept values ..) -> product`.
    pub varying: Compiled,
    /// Bytes that the kept values need.
    pub kept_bytes: usize,
    /// Both in one, where nothing is kept: `(v, all other arguments ..) -> product`.
    whole: OnceCell<Compiled>,
    /// The rest for several vectors at once, by their number: `(vs, kept values ..) -> products`.
    many: RefCell<HashMap<usize, Rc<Compiled>>>,
}

impl LinearMap {
    /// [`fixed`](Self::fixed) and [`varying`](Self::varying) in one: `(v, all other arguments ..) -> product`.
    pub(crate) fn whole(&self, model: &Model) -> Result<&Compiled, ProgramError> {
        if let Some(known) = self.whole.get() {
            return Ok(known);
        }
        let whole = model.prepare(self.fixed.then(&self.varying)?);
        Ok(self.whole.get_or_init(|| whole))
    }

    /// [`varying`](Self::varying) for `k` vectors at once.
    pub(crate) fn many(&self, model: &Model, k: usize) -> Result<Rc<Compiled>, ProgramError> {
        if let Some(known) = self.many.borrow().get(&k) {
            return Ok(known.clone());
        }
        let program = self.varying.program().vmap(&[0], k)?;
        let compiled = Rc::new(model.compile(program));
        self.many.borrow_mut().insert(k, compiled.clone());
        Ok(compiled)
    }
}

/// What a batch's losses look up by numbers of its inputs and targets.
pub(crate) struct Lookups {
    /// All arguments to those numbers.
    pub numbers: Compiled,
    pub found: Vec<Lookup>,
}

type Cache<T> = RefCell<HashMap<(Quantity, Vec<Spec>), Rc<T>>>;

/// The programs traced so far.
#[derive(Default)]
pub(crate) struct Quantities {
    programs: Cache<Compiled>,
    many: Cache<Compiled>,
    linear: Cache<LinearMap>,
    /// Shapes of single examples whose outputs were checked, and with `true` whose losses were.
    checked: RefCell<HashSet<(bool, Vec<Spec>)>>,
    lookups: Cache<Lookups>,
    /// Shapes of single examples whose losses were seen not to depend on each other.
    pub(crate) apart: RefCell<HashSet<Vec<Spec>>>,
    /// `1/N`, by `N`: always the same tensor, which need not be copied for a recorded run.
    scales: RefCell<HashMap<usize, Tensor<1>>>,
}

impl Quantities {
    /// `1 / examples`, `[1]`, where `model` is and in its type.
    pub(crate) fn scale(&self, examples: usize, model: &Model) -> Tensor<1> {
        let mut scales = self.scales.borrow_mut();
        let options = (model.device(), model.dtype());
        let full = || Tensor::full([1], 1.0 / examples as f64, options);
        scales.entry(examples).or_insert_with(full).clone()
    }

    /// Checks once what the network and the loss make of a batch of such shapes.
    fn check<L: Loss>(
        &self,
        quantity: Quantity,
        build: &Build<'_, L>,
    ) -> Result<(), CurvatureError> {
        let losses = !matches!(quantity, Quantity::Outputs | Quantity::OutputsAlong);
        let specs = &build.specs[..build.inputs().end + L::Targets::TENSORS];
        // How many examples there are, does not matter to what is traced with one more.
        let mut each = specs.to_vec();
        for spec in &mut each[build.inputs().start..] {
            spec.shape.remove(0);
        }
        if !self.checked.borrow().contains(&(losses, each.clone())) {
            Build { specs, ..*build }.check(losses)?;
            self.checked.borrow_mut().insert((losses, each));
        }
        Ok(())
    }

    /// The program of `quantity` for arguments shaped like `arguments`.
    pub(crate) fn get<L: Loss>(
        &self,
        quantity: Quantity,
        model: &Model,
        loss: &L,
        arguments: &[DispatchTensor],
    ) -> Result<Rc<Compiled>, CurvatureError> {
        cached(&self.programs, quantity, arguments, |specs| {
            let build = Build { model, loss, specs };
            self.check(quantity, &build)?;
            Ok(model.compile(build.program(quantity)?))
        })
    }

    /// The lookups of [`Quantity::Losses`] for arguments shaped like `arguments`.
    pub(crate) fn lookups<L: Loss>(
        &self,
        model: &Model,
        loss: &L,
        arguments: &[DispatchTensor],
    ) -> Result<Rc<Lookups>, CurvatureError> {
        let losses = self.get(Quantity::Losses, model, loss, arguments)?;
        cached(&self.lookups, Quantity::Losses, arguments, |_| {
            let given: Vec<usize> = (model.tensors().len()..arguments.len()).collect();
            let (numbers, found) = losses.program().lookups(&given)?;
            let numbers = numbers.compile(model.device());
            Ok(Lookups { numbers, found })
        })
    }

    /// [`Quantity::Gradient`] for `k` values at once of all arguments but the model's constants and the scale: `[k, 1]` and
    /// `[k, dim]`.
    pub(crate) fn gradients<L: Loss>(
        &self,
        model: &Model,
        loss: &L,
        arguments: &[DispatchTensor],
        k: usize,
    ) -> Result<Rc<Compiled>, CurvatureError> {
        let constants = model.parameters().len()..model.tensors().len();
        let mapped: Vec<usize> = (0..arguments.len() - 1)
            .filter(|i| !constants.contains(i))
            .collect();
        cached(&self.many, Quantity::Gradient, arguments, |specs| {
            let mut specs = specs.to_vec();
            for &i in &mapped {
                specs[i].shape.remove(0);
            }
            let specs = &specs;
            let build = Build { model, loss, specs };
            self.check(Quantity::Gradient, &build)?;
            let program = build.program(Quantity::Gradient)?;
            Ok(model.compile(program.vmap(&mapped, k)?))
        })
    }

    /// The same for a product with `v`, split; `arguments` are all but `v`.
    pub(crate) fn linear<L: Loss>(
        &self,
        quantity: Quantity,
        model: &Model,
        loss: &L,
        arguments: &[DispatchTensor],
    ) -> Result<Rc<LinearMap>, CurvatureError> {
        cached(&self.linear, quantity, arguments, |specs| {
            let v = Spec::new([model.dim()], model.dtype());
            let specs = &[specs, &[v]].concat();
            let build = Build { model, loss, specs };
            self.check(quantity, &build)?;
            let program = build.program(quantity)?;
            let split = program.linearize(&[specs.len() - 1])?;
            let fixed = split.fixed.compile(model.device());
            let varying = split.varying.compile(model.device());
            Ok(LinearMap {
                whole: OnceCell::new(),
                fixed,
                varying: model.prepare(varying),
                kept_bytes: split.kept_bytes,
                many: RefCell::default(),
            })
        })
    }
}

fn cached<T>(
    cache: &Cache<T>,
    quantity: Quantity,
    arguments: &[DispatchTensor],
    build: impl FnOnce(&[Spec]) -> Result<T, CurvatureError>,
) -> Result<Rc<T>, CurvatureError> {
    let key = (quantity, arguments.iter().map(Spec::of).collect::<Vec<_>>());
    if let Some(found) = cache.borrow().get(&key) {
        return Ok(found.clone());
    }
    let built = Rc::new(build(&key.1)?);
    cache.borrow_mut().insert(key, built.clone());
    Ok(built)
}
