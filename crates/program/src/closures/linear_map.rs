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
        stage::stage,
        tensors::{IntoTensorResult, Tensors, floats, with_floats},
    },
    ir::{error::ProgramError, program::Program},
    trace::{
        linear_map::LinearMap,
        nested_trace::{Region, check, lift, tracing},
    },
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
    map: MapEvaluation,
    mode: Mode,
    from: X,
    to: Y,
}

#[derive(Clone)]
enum MapEvaluation {
    /// In a trace.
    Recorded(Region),
    Computed(Computed),
}

#[derive(Clone)]
struct Computed {
    point: Arc<LinearizationPoint>,
    map: Arc<LinearMap>,
    /// What does not depend on the vector, where there is memory for it.
    kept: RefCell<Option<Vec<DispatchTensor>>>,
    /// Most bytes to keep.
    memory: usize,
}

/// A function and a point.
struct LinearizationPoint {
    program: Program,
    settings: DeviceSettings,
    inputs: Vec<DispatchTensor>,
    /// Positions of the differentiable tensors among the program's inputs and outputs.
    arguments: Vec<usize>,
    results: Vec<usize>,
}

impl LinearizationPoint {
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
        let computed = Computed {
            point: self.clone(),
            kept: RefCell::new((split.kept_bytes <= memory).then_some(kept)),
            map: Arc::new(split.compile(&device)),
            memory,
        };
        Ok((values, computed))
    }
}

impl Computed {
    /// What does not depend on the vector, where there is memory for it.
    fn kept(&self) -> Result<Option<Vec<DispatchTensor>>, ProgramError> {
        let known = self.kept.borrow().clone();
        if known.is_none() && self.map.kept_bytes() <= self.memory {
            let kept = self.map.at(self.point.inputs.clone())?;
            self.kept.replace(Some(kept));
            return Ok(self.kept.borrow().clone());
        }
        Ok(known)
    }

    fn apply(&self, vector: Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError> {
        let point = || self.point.inputs.clone();
        check(&self.map.vector(), &vector)?;
        if tracing() {
            let kept = self.kept()?.map_or_else(|| self.map.at(point()), Ok)?;
            let inputs = vector.into_iter().chain(kept).map(lift);
            return self.map.varying().call(inputs.collect::<Result<_, _>>()?);
        }
        match self.kept()? {
            Some(kept) => self.map.apply(vector, kept),
            None => self.map.apply_at(vector, point()),
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
            MapEvaluation::Recorded(region) => region.apply(self.mode, vector)?,
            MapEvaluation::Computed(computed) => computed.apply(vector)?,
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
            MapEvaluation::Recorded(region) => MapEvaluation::Recorded(region.clone()),
            MapEvaluation::Computed(Computed { point, memory, .. }) => {
                MapEvaluation::Computed(point.derivative(mode, *memory)?.1)
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
        if let MapEvaluation::Computed(computed) = &mut self.map {
            computed.memory = bytes;
            if computed.map.kept_bytes() > bytes {
                computed.kept.replace(None);
            }
        }
        self
    }

    /// Bytes kept between applications, besides the point.
    pub fn kept_bytes(&self) -> usize {
        match &self.map {
            MapEvaluation::Computed(computed) if computed.kept.borrow().is_some() => {
                computed.map.kept_bytes()
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
    kind: DerivableKind,
}

enum DerivableKind {
    Recorded(Region),
    Computed(Arc<LinearizationPoint>),
}

impl<X: Tensors, Y: Tensors> Derivable<X, Y> {
    pub(crate) fn new<R: IntoTensorResult<Value = Y>>(
        f: impl FnOnce(X) -> R,
        x: X,
    ) -> Result<Self, ProgramError> {
        if tracing() {
            let (x, y, region) = region::record(f, &x)?;
            let kind = DerivableKind::Recorded(region);
            return Ok(Self { x, y, kind });
        }
        let staged = stage(&x, |x| f(x).into_result())?;
        if staged.arguments.is_empty() {
            return Err(ProgramError::NothingToDifferentiate);
        }
        let point = LinearizationPoint {
            program: staged.program,
            settings: staged.settings,
            inputs: x.tensors(),
            arguments: staged.arguments,
            results: staged.results,
        };
        Ok(Self {
            x,
            y: staged.result,
            kind: DerivableKind::Computed(Arc::new(point)),
        })
    }

    /// The result, and the derivative from tangents to tangents.
    pub(crate) fn forward(self) -> Result<(Y, Linear<X, Y>), ProgramError> {
        let (y, map) = self.map(Mode::Forward)?;
        let linear = Linear {
            map,
            mode: Mode::Forward,
            from: self.x,
            to: y.clone(),
        };
        Ok((y, linear))
    }

    /// The result, and the derivative from cotangents to cotangents.
    pub(crate) fn reverse(self) -> Result<(Y, Linear<Y, X>), ProgramError> {
        let (y, map) = self.map(Mode::Reverse)?;
        let linear = Linear {
            map,
            mode: Mode::Reverse,
            from: y.clone(),
            to: self.x,
        };
        Ok((y, linear))
    }

    fn map(&self, mode: Mode) -> Result<(Y, MapEvaluation), ProgramError> {
        Ok(match &self.kind {
            DerivableKind::Recorded(region) => {
                (self.y.clone(), MapEvaluation::Recorded(region.clone()))
            }
            DerivableKind::Computed(point) => {
                let (values, computed) = point.derivative(mode, usize::MAX)?;
                let y = self.y.rebuild(&mut values.into_iter());
                (y, MapEvaluation::Computed(computed))
            }
        })
    }
}
