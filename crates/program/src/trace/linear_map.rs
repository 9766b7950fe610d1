//! Programs that are linear in some inputs, on a device: what does not depend on these can be kept between runs.

use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock, PoisonError},
};

use burn::{backend::DispatchTensor, tensor::Device};
use burn_ir::OperationIr;

use crate::{
    ir::{error::ProgramError, operation::name, program::Program, spec::Spec},
    quirks::device::is_cube,
    run::compiled::Compiled,
    transform::linearize::Linearized,
};

/// A [`Linearized`] program on a device: a linear map of a vector, which may consist of several tensors, at a point.
#[derive(Debug)]
pub struct LinearMap {
    fixed: Compiled,
    varying: Compiled,
    kept_bytes: usize,
    recorded: bool,
    /// Bytes of results at once that products of which nothing is kept are to get by with, computing some again.
    recomputing: Option<usize>,
    /// Both parts in one: `(vector .., point ..) -> product`.
    whole: OnceLock<Compiled>,
    /// The varying part for several vectors at once, by their number.
    many: Mutex<HashMap<usize, Compiled>>,
}

impl Linearized {
    /// Both parts with their constants on `device`.
    pub fn compile(self, device: &Device) -> LinearMap {
        LinearMap {
            fixed: self.fixed.compile(device),
            varying: self.varying.compile(device),
            kept_bytes: self.kept_bytes,
            recorded: false,
            recomputing: None,
            whole: OnceLock::new(),
            many: Mutex::default(),
        }
    }
}

impl LinearMap {
    /// The same map, whose products are recorded on devices that can ([`Compiled::recorded`]).
    #[must_use]
    pub fn recorded(self) -> Self {
        Self {
            varying: self.varying.recorded(),
            recorded: true,
            ..self
        }
    }

    /// The same map, whose products at a point of which nothing is kept ([`apply_at`](Self::apply_at)) get by with
    /// `bytes` of results at once, as [`Program::recompute`] says.
    #[must_use]
    pub fn recomputing(self, bytes: usize) -> Self {
        Self {
            recomputing: Some(bytes),
            whole: OnceLock::new(),
            ..self
        }
    }

    /// Whether products at a point of which nothing is kept compute some of it again, to get by with less memory.
    pub fn recomputes(&self) -> bool {
        self.recomputing.is_some()
    }

    /// The program of [`apply_at`](Self::apply_at): `(vector .., point ..) -> product`.
    ///
    /// # Errors
    /// As [`Program::recompute`].
    pub fn program_at(&self) -> Result<&Program, ProgramError> {
        Ok(self.whole()?.program())
    }

    /// What it runs.
    pub fn programs(&self) -> Linearized {
        Linearized {
            fixed: self.fixed.program().clone(),
            varying: self.varying.program().clone(),
            kept_bytes: self.kept_bytes,
        }
    }

    /// Bytes that it takes to keep what [`at`](Self::at) gives.
    pub fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    /// Vectors that [`apply_many`](Self::apply_many) should take at once: as many as leave what is under way in a
    /// processor's cache, beyond which nothing is gained, or on other devices in 1 GiB. One, where a processor would
    /// convolve with the weights of several: that takes longer than one after another.
    pub fn at_once(&self) -> usize {
        let convolves = |op: &OperationIr| name(op).starts_with("Conv");
        let bytes = match is_cube(self.varying.device().as_dispatch()) {
            true => 1 << 30,
            false if self.varying().operations.iter().any(convolves) => 0,
            false => 16 << 20,
        };
        (bytes / self.varying().peak_bytes().max(1)).max(1)
    }

    /// What does not depend on the vector, at `point`.
    ///
    /// # Errors
    /// As [`Compiled::run`].
    pub fn at(&self, point: Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError> {
        self.fixed.run(point)
    }

    /// The product with `vector` at the point that `kept` is of. What nobody else holds of `kept` may be written over.
    ///
    /// # Errors
    /// As [`Compiled::run`].
    pub fn apply(
        &self,
        mut vector: Vec<DispatchTensor>,
        kept: Vec<DispatchTensor>,
    ) -> Result<Vec<DispatchTensor>, ProgramError> {
        vector.extend(kept);
        self.varying.run(vector)
    }

    /// The same for `k` vectors at once, the rows of the tensors of `vectors`.
    ///
    /// # Errors
    /// As [`Compiled::run`], and [`Program::vmap`].
    pub fn apply_many(
        &self,
        k: usize,
        mut vectors: Vec<DispatchTensor>,
        kept: Vec<DispatchTensor>,
    ) -> Result<Vec<DispatchTensor>, ProgramError> {
        vectors.extend(kept);
        self.many(k)?.run(vectors)
    }

    /// The product with `vector` at `point`, of which nothing is kept.
    ///
    /// # Errors
    /// As [`Compiled::run`].
    pub fn apply_at(
        &self,
        mut vector: Vec<DispatchTensor>,
        point: Vec<DispatchTensor>,
    ) -> Result<Vec<DispatchTensor>, ProgramError> {
        vector.extend(point);
        self.whole()?.run(vector)
    }

    /// Shapes and types of the vector's tensors.
    pub(crate) fn vector(&self) -> Vec<Spec> {
        let mut inputs = self.varying.program().inputs();
        inputs.truncate(inputs.len() - self.fixed.program().outputs.len());
        inputs
    }

    /// What depends on the vector: `(vector .., kept ..) -> product`.
    pub(crate) fn varying(&self) -> &Program {
        self.varying.program()
    }

    fn many(&self, k: usize) -> Result<Compiled, ProgramError> {
        let known = || self.many.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known().get(&k) {
            return Ok(known.clone());
        }
        let vectors: Vec<usize> = (0..self.vector().len()).collect();
        let program = self.varying().vmap(&vectors, k)?;
        let compiled = self.prepared(program.compile(self.varying.device()));
        known().insert(k, compiled.clone());
        Ok(compiled)
    }

    fn whole(&self) -> Result<&Compiled, ProgramError> {
        if let Some(known) = self.whole.get() {
            return Ok(known);
        }
        let (fixed, varying) = (self.fixed.program(), self.varying());
        let vector = self.vector();
        let inputs = [vector.clone(), fixed.inputs()].concat();
        let whole = Program::trace(fixed.settings(), &inputs, |mut inputs| {
            let point = inputs.split_off(vector.len());
            inputs.extend(fixed.call(point)?);
            varying.call(inputs)
        })?;
        let mut whole = whole.bind(self.varying.device());
        if let Some(bytes) = self.recomputing {
            let varying: Vec<usize> = (0..vector.len()).collect();
            whole = whole.recomputing(&varying, bytes)?;
        }
        let whole = self.prepared(whole);
        Ok(self.whole.get_or_init(|| whole))
    }

    fn prepared(&self, program: Compiled) -> Compiled {
        match self.recorded {
            true => program.recorded(),
            false => program,
        }
    }
}
