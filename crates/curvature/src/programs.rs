//! The programs of a cost's batches: traced once a batch shape.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use backdraft_program::{Compiled, DispatchTensor, LinearMap, Lookup, Spec};
use burn::Tensor;

use crate::{
    CurvatureError, Model, function::BatchFunction, lock::locked, loss::AnyLoss, trace::Tracer,
};

/// What a batch's losses look up by numbers of its inputs and targets.
pub(crate) struct Lookups {
    /// All arguments to those numbers.
    pub numbers: Compiled,
    pub found: Vec<Lookup>,
}

/// What programs are made of.
type ModelAndLoss<'a> = (&'a Model, &'a dyn AnyLoss);

type Cache<T> = Mutex<HashMap<(BatchFunction, Vec<Spec>), Arc<T>>>;

/// The same, for as many batches at once as the number says.
type ManyCache = Mutex<HashMap<(BatchFunction, Vec<Spec>, usize), Arc<Compiled>>>;

/// The programs traced so far.
#[derive(Default)]
pub(crate) struct Programs {
    programs: Cache<Compiled>,
    linear: Cache<LinearMap>,
    /// Those for several batches at once, by how many.
    each: ManyCache,
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
        (model, loss): ModelAndLoss<'_>,
        arguments: &[DispatchTensor],
    ) -> Result<Arc<Compiled>, CurvatureError> {
        cached(&self.programs, function, arguments, |specs| {
            let tracer = Tracer { model, loss, specs };
            self.check(function, &tracer)?;
            // A vector is the last argument of all but those functions that are given more, and take none.
            let varying = function.vector.then(|| specs.len() - 1);
            model.compile(tracer.program(function)?, varying.as_slice())
        })
    }

    /// The program of `function` for `count` batches at once, each shaped like `arguments`, which differ in the
    /// arguments `mapped`.
    pub(crate) fn each(
        &self,
        function: BatchFunction,
        parts: ModelAndLoss<'_>,
        arguments: &[DispatchTensor],
        mapped: &[usize],
        count: usize,
    ) -> Result<Arc<Compiled>, CurvatureError> {
        let specs = arguments.iter().map(Spec::of).collect::<Vec<_>>();
        let key = (function, specs, count);
        if let Some(found) = locked(&self.each).get(&key) {
            return Ok(found.clone());
        }
        let single = self.get(function, parts, arguments)?;
        let many = single.program().vmap(mapped, count)?;
        let built = Arc::new(parts.0.bind(many, &[])?);
        locked(&self.each).insert(key, built.clone());
        Ok(built)
    }

    /// The lookups of [`BatchFunction::LOSSES`] for arguments shaped like `arguments`.
    pub(crate) fn lookups(
        &self,
        (model, loss): ModelAndLoss<'_>,
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
        (model, loss): ModelAndLoss<'_>,
        arguments: &[DispatchTensor],
    ) -> Result<Arc<LinearMap>, CurvatureError> {
        cached(&self.linear, function, arguments, |specs| {
            let v = Spec::new([model.dim()], model.dtype());
            let specs = &[specs, &[v]].concat();
            let tracer = Tracer { model, loss, specs };
            self.check(function, &tracer)?;
            let program = tracer.program(function)?;
            model.linearize(&program)
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
