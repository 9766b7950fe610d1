//! The programs of a cost's batches: traced once a batch shape.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, OnceLock},
};

use backdraft_program::{Compiled, DispatchTensor, Lookup, ProgramError, Spec};
use burn::Tensor;

use crate::{
    CurvatureError, Model, function::BatchFunction, lock::locked, loss::AnyLoss, trace::Tracer,
};

/// A product that is linear in `v`, in two parts.
pub(crate) struct LinearMap {
    /// What does not depend on `v`: all arguments but `v` to kept values.
    pub fixed: Compiled,
    /// The rest: `(v, kept values ..) -> product`.
    pub varying: Compiled,
    /// Bytes that the kept values need.
    pub kept_bytes: usize,
    /// Both in one, where nothing is kept: `(v, all other arguments ..) -> product`.
    whole: OnceLock<Compiled>,
    /// The rest for several vectors at once, by their number: `(vs, kept values ..) -> products`.
    many: Mutex<HashMap<usize, Arc<Compiled>>>,
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
    pub(crate) fn many(&self, model: &Model, k: usize) -> Result<Arc<Compiled>, ProgramError> {
        if let Some(known) = locked(&self.many).get(&k) {
            return Ok(known.clone());
        }
        let program = self.varying.program().vmap(&[0], k)?;
        let compiled = Arc::new(model.compile(program));
        locked(&self.many).insert(k, compiled.clone());
        Ok(compiled)
    }
}

/// What a batch's losses look up by numbers of its inputs and targets.
pub(crate) struct Lookups {
    /// All arguments to those numbers.
    pub numbers: Compiled,
    pub found: Vec<Lookup>,
}

/// What programs are made of.
type Parts<'a> = (&'a Model, &'a dyn AnyLoss);

type Cache<T> = Mutex<HashMap<(BatchFunction, Vec<Spec>), Arc<T>>>;

/// The programs traced so far.
#[derive(Default)]
pub(crate) struct Programs {
    programs: Cache<Compiled>,
    linear: Cache<LinearMap>,
    /// Shapes of single examples whose outputs were checked, and with `true` whose losses were.
    checked: Mutex<HashSet<(bool, Vec<Spec>)>>,
    lookups: Cache<Lookups>,
    /// Shapes of single examples' inputs whose outputs were seen not to depend on each other.
    pub(crate) independent: Mutex<HashSet<Vec<Spec>>>,
    /// `1/N`, by `N`: always the same tensor, which need not be copied for a recorded run.
    scales: Mutex<HashMap<usize, Tensor<1>>>,
}

impl Programs {
    /// `1 / examples`, `[1]`, where `model` is and in its type.
    pub(crate) fn scale(&self, examples: usize, model: &Model) -> Tensor<1> {
        let mut scales = locked(&self.scales);
        let options = (model.device(), model.dtype());
        let full = || Tensor::full([1], 1.0 / examples as f64, options);
        scales.entry(examples).or_insert_with(full).clone()
    }

    /// Checks once what the network and the loss make of a batch of such shapes.
    fn check(&self, function: BatchFunction, tracer: &Tracer<'_>) -> Result<(), CurvatureError> {
        let losses = function.loss;
        let specs = &tracer.specs[..tracer.inputs().end + tracer.loss.slots().len()];
        // How many examples there are, does not matter to what is traced with one more.
        let mut each = specs.to_vec();
        for spec in &mut each[tracer.inputs().start..] {
            spec.shape.remove(0);
        }
        let key = (losses, each);
        if !locked(&self.checked).contains(&key) {
            Tracer { specs, ..*tracer }.check(losses)?;
            locked(&self.checked).insert(key);
        }
        Ok(())
    }

    /// The program of `function` for arguments shaped like `arguments`.
    pub(crate) fn get(
        &self,
        function: BatchFunction,
        (model, loss): Parts<'_>,
        arguments: &[DispatchTensor],
    ) -> Result<Arc<Compiled>, CurvatureError> {
        cached(&self.programs, function, arguments, |specs| {
            let tracer = Tracer { model, loss, specs };
            self.check(function, &tracer)?;
            Ok(model.compile(tracer.program(function)?))
        })
    }

    /// The lookups of [`BatchFunction::LOSSES`] for arguments shaped like `arguments`.
    pub(crate) fn lookups(
        &self,
        (model, loss): Parts<'_>,
        arguments: &[DispatchTensor],
    ) -> Result<Arc<Lookups>, CurvatureError> {
        let losses = self.get(BatchFunction::LOSSES, (model, loss), arguments)?;
        cached(&self.lookups, BatchFunction::LOSSES, arguments, |_| {
            let given: Vec<usize> = (model.tensors().len()..arguments.len()).collect();
            let (numbers, found) = losses.program().lookups(&given)?;
            let numbers = numbers.compile(model.device());
            Ok(Lookups { numbers, found })
        })
    }

    /// The same for a product with `v`, split; `arguments` are all but `v`.
    pub(crate) fn linear(
        &self,
        function: BatchFunction,
        (model, loss): Parts<'_>,
        arguments: &[DispatchTensor],
    ) -> Result<Arc<LinearMap>, CurvatureError> {
        cached(&self.linear, function, arguments, |specs| {
            let v = Spec::new([model.dim()], model.dtype());
            let specs = &[specs, &[v]].concat();
            let tracer = Tracer { model, loss, specs };
            self.check(function, &tracer)?;
            let program = tracer.program(function)?;
            let split = program.linearize(&[specs.len() - 1])?;
            let fixed = split.fixed.compile(model.device());
            let varying = split.varying.compile(model.device());
            Ok(LinearMap {
                whole: OnceLock::new(),
                fixed,
                varying: model.prepare(varying),
                kept_bytes: split.kept_bytes,
                many: Mutex::default(),
            })
        })
    }
}

fn cached<T>(
    cache: &Cache<T>,
    function: BatchFunction,
    arguments: &[DispatchTensor],
    build: impl FnOnce(&[Spec]) -> Result<T, CurvatureError>,
) -> Result<Arc<T>, CurvatureError> {
    let key = (function, arguments.iter().map(Spec::of).collect::<Vec<_>>());
    if let Some(found) = locked(cache).get(&key) {
        return Ok(found.clone());
    }
    let built = Arc::new(build(&key.1)?);
    locked(cache).insert(key, built.clone());
    Ok(built)
}
