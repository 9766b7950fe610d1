//! The derivative of a function at a point, as a linear map.

use std::{cell::RefCell, fmt, sync::Arc};

use burn::{
    backend::{DispatchTensor, TensorMetadata},
    tensor::Device,
};

use burn_backend::DeviceSettings;

use crate::{
    closures::{
        region,
        stage::{stage, tensors},
        tensors::{Outcome, Tensors, floats, with_floats},
    },
    ir::{error::ProgramError, program::Program, spec::Spec},
    run::compiled::Compiled,
    trace::nested_trace::{Region, check, lift, tracing},
    transform::differentiate::Mode,
};

/// The derivative of a function at a point as a linear map from `X` to `Y`, which may be applied often: what depends on
/// the point alone is computed once and kept, within a memory budget if one is set
/// ([`with_memory`](Self::with_memory)). It is released with the map and its clones.
///
/// From [`linearize`](crate::linearize) it takes a tangent of the argument to that of the result; from
/// [`vjp`](crate::vjp) a cotangent of the result to that of the argument. Tensors by which no derivative is taken
/// (ints, bools, [`Constant`](crate::Constant)) are ignored in the vector, and those of the product are the point's.
#[derive(Clone)]
pub struct Linear<X, Y> {
    map: Evaluation,
    mode: Mode,
    from: X,
    to: Y,
}

#[derive(Clone)]
enum Evaluation {
    /// In a trace.
    Recorded(Region),
    Computed(Computed),
}

#[derive(Clone)]
struct Computed {
    point: Arc<Point>,
    split: Arc<Split>,
    /// What does not depend on the vector, where there is memory for it.
    kept: RefCell<Option<Vec<DispatchTensor>>>,
    /// Most bytes to keep.
    memory: usize,
}

/// A function and a point.
struct Point {
    program: Program,
    settings: DeviceSettings,
    inputs: Vec<DispatchTensor>,
    /// Positions of the differentiable tensors among the program's inputs and outputs.
    arguments: Vec<usize>,
    results: Vec<usize>,
}

/// A derivative, split in what depends on the vector and what does not.
struct Split {
    vector: Vec<Spec>,
    /// The point to what is kept.
    fixed: Compiled,
    varying: Compiled,
    /// Bytes that are kept, without the point itself.
    bytes: usize,
}

impl Point {
    /// The values of the function, and its derivative, of which at most `memory` bytes are kept.
    fn derivative(
        self: &Arc<Self>,
        mode: Mode,
        memory: usize,
    ) -> Result<(Vec<DispatchTensor>, Computed), ProgramError> {
        let inputs = self.program.inputs();
        let pick = |inputs| {
            let outputs = self.program.call(inputs)?;
            Ok(self.results.iter().map(|&i| outputs[i].clone()).collect())
        };
        let names = || self.program.input_names();
        let floats = Program::trace_named(&self.settings, &inputs, names(), pick)?;
        let derivative = mode.of(&floats, &self.arguments)?;
        let tail = |inputs| Ok(derivative.call(inputs)?.split_off(self.results.len()));
        let tail = Program::trace_named(&self.settings, &derivative.inputs(), names(), tail)?;
        let varying: Vec<usize> = (inputs.len()..tail.inputs().len()).collect();
        let split = tail.linearize(&varying)?;
        // One program gives both the values and what is kept, so that what they share is computed once.
        let both = Program::trace_named(&self.settings, &inputs, names(), |inputs| {
            let mut outputs = self.program.call(inputs.clone())?;
            outputs.extend(split.fixed.call(inputs)?);
            Ok(outputs)
        })?;
        let device = Device::new(self.inputs[0].device());
        let mut values = both.compile(&device).run(self.inputs.clone())?;
        let kept = values.split_off(self.program.outputs().len());
        let bytes = split.kept_bytes;
        let split = Split {
            vector: tail.inputs().split_off(inputs.len()),
            fixed: split.fixed.compile(&device),
            varying: split.varying.compile(&device),
            bytes,
        };
        let computed = Computed {
            point: self.clone(),
            split: Arc::new(split),
            kept: RefCell::new((bytes <= memory).then_some(kept)),
            memory,
        };
        Ok((values, computed))
    }
}

impl Computed {
    /// What does not depend on the vector.
    fn kept(&self) -> Result<Vec<DispatchTensor>, ProgramError> {
        if let Some(kept) = &*self.kept.borrow() {
            return Ok(kept.clone());
        }
        let computed = self.split.fixed.run(self.point.inputs.clone())?;
        if self.split.bytes <= self.memory {
            self.kept.replace(Some(computed.clone()));
        }
        Ok(computed)
    }

    fn apply(&self, vector: Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError> {
        let varying = &self.split.varying;
        check(&self.split.vector, &vector)?;
        let inputs = vector.into_iter().chain(self.kept()?);
        if tracing() {
            let inputs = inputs.map(lift).collect::<Result<_, _>>()?;
            varying.program().call(inputs)
        } else {
            varying.run(inputs.collect())
        }
    }
}

impl<X: Tensors, Y: Tensors> Linear<X, Y> {
    /// The map's value at `v`.
    ///
    /// # Errors
    /// [`ProgramError::VectorLength`] and [`ProgramError::Vector`] if `v` does not fit; [`ProgramError::Trace`] if the
    /// map was made within a trace and is used outside it.
    pub fn apply(&self, v: X) -> Result<Y, ProgramError> {
        let vector = floats(&v);
        let product = match &self.map {
            Evaluation::Recorded(region) => region.apply(self.mode, vector)?,
            Evaluation::Computed(computed) => computed.apply(vector)?,
        };
        Ok(with_floats(&self.to, product))
    }

    /// The transpose, which goes the other way. Costs another evaluation of the function.
    ///
    /// # Errors
    /// [`ProgramError::Unsupported`] for an operation without a rule in the other mode.
    pub fn transpose(&self) -> Result<Linear<Y, X>, ProgramError> {
        let mode = self.mode.other();
        let map = match &self.map {
            Evaluation::Recorded(region) => Evaluation::Recorded(region.clone()),
            Evaluation::Computed(Computed { point, memory, .. }) => {
                Evaluation::Computed(point.derivative(mode, *memory)?.1)
            }
        };
        Ok(Linear {
            map,
            mode,
            from: self.to.clone(),
            to: self.from.clone(),
        })
    }

    /// The same map, which keeps at most `bytes` between applications (no limit unless set; 0 keeps nothing), and so
    /// does its transpose. If it needs more, nothing is kept and all of it is computed anew in each application: that
    /// takes an evaluation of the function more, and gives the same up to rounding. The point itself is always kept. A
    /// map that was made within a trace keeps nothing anyway.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Self {
        if let Evaluation::Computed(computed) = &mut self.map {
            computed.memory = bytes;
            if computed.split.bytes > bytes {
                computed.kept.replace(None);
            }
        }
        self
    }

    /// Bytes kept between applications, besides the point.
    pub fn kept_bytes(&self) -> usize {
        match &self.map {
            Evaluation::Computed(computed) if computed.kept.borrow().is_some() => {
                computed.split.bytes
            }
            _ => 0,
        }
    }
}

impl<X, Y> fmt::Debug for Linear<X, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linear")
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// A function at a point, before it is known in which mode its derivative is wanted.
pub(crate) struct Derivable<X, Y> {
    x: X,
    /// The result; outside a trace, its structure alone.
    pub y: Y,
    kind: Kind,
}

enum Kind {
    Recorded(Region),
    Computed(Arc<Point>),
}

impl<X: Tensors, Y: Tensors> Derivable<X, Y> {
    pub(crate) fn new<R: Outcome<Value = Y>>(
        f: impl FnOnce(X) -> R,
        x: X,
    ) -> Result<Self, ProgramError> {
        if tracing() {
            let (x, y, region) = region::record(f, &x)?;
            let kind = Kind::Recorded(region);
            return Ok(Self { x, y, kind });
        }
        let staged = stage(&x, |x| f(x).into_result())?;
        if staged.arguments.is_empty() {
            return Err(ProgramError::NothingToDifferentiate);
        }
        let point = Point {
            program: staged.program,
            settings: staged.settings,
            inputs: tensors(&x),
            arguments: staged.arguments,
            results: staged.results,
        };
        Ok(Self {
            x,
            y: staged.result,
            kind: Kind::Computed(Arc::new(point)),
        })
    }

    /// The result, and the derivative from tangents to tangents.
    pub(crate) fn forward(self) -> Result<(Y, Linear<X, Y>), ProgramError> {
        let mode = Mode::Forward;
        let (y, map) = self.map(mode)?;
        let (from, to) = (self.x, y.clone());
        Ok((
            y,
            Linear {
                map,
                mode,
                from,
                to,
            },
        ))
    }

    /// The result, and the derivative from cotangents to cotangents.
    pub(crate) fn reverse(self) -> Result<(Y, Linear<Y, X>), ProgramError> {
        let mode = Mode::Reverse;
        let (y, map) = self.map(mode)?;
        let (from, to) = (y.clone(), self.x);
        Ok((
            y,
            Linear {
                map,
                mode,
                from,
                to,
            },
        ))
    }

    fn map(&self, mode: Mode) -> Result<(Y, Evaluation), ProgramError> {
        Ok(match &self.kind {
            Kind::Recorded(region) => (self.y.clone(), Evaluation::Recorded(region.clone())),
            Kind::Computed(point) => {
                let (values, computed) = point.derivative(mode, usize::MAX)?;
                let y = self.y.rebuild(&mut values.into_iter());
                (y, Evaluation::Computed(computed))
            }
        })
    }
}
