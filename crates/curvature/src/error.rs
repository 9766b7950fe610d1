//! What can go wrong while a curvature product is built or applied.

use burn::tensor::{DType, Shape, TensorReadError};

use backdraft_program::{ErrorLocation, Mixing, ProgramError, Spec};

use crate::{Cause, Slot};

/// Error of a curvature operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CurvatureError {
    /// The model, the loss or their derivatives could not be traced, transformed or run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A module without the parameters that its curvature needs.
    #[error("{0}")]
    Parameters(String),
    /// A module that parameters cannot be written into.
    #[error("the module does not take the model's parameters: {0}")]
    Module(String),
    /// A network that does not return one row an example.
    #[error(
        "for a batch of {examples} examples the network returned {outputs}: it must return one row an example, as [{examples}, classes] or \
         [{examples}, tokens, classes]"
    )]
    Outputs {
        /// Examples in the batch that it was traced with.
        examples: usize,
        /// The shape that it returned.
        outputs: Shape,
    },
    /// A loss that does not return one number an example.
    #[error(
        "for a batch of {examples} examples the loss returned {found} numbers: it must return one loss an example, [{examples}], not \
         their mean or sum, nor one a token or output"
    )]
    Losses {
        /// Examples in the batch that it was traced with.
        examples: usize,
        /// Numbers that it returned.
        found: usize,
    },
    /// Targets that are not what the loss compares such outputs with.
    #[error("targets {} do not fit outputs {outputs}: {expected}", shapes(.targets))]
    Targets {
        /// The outputs as the network returns them, `[batch, ..]`.
        outputs: Shape,
        /// The targets, one shape a tensor.
        targets: Vec<Shape>,
        /// What the loss expects.
        expected: String,
    },
    /// A loss that repeats outputs to fit targets of another shape.
    #[error(
        "the loss repeats {outputs}, computed from the outputs, to fit {targets}, computed from the targets: they must have one \
         shape. If it is meant, say so with `expand`"
    )]
    Repeated {
        /// Shape of what is computed from the outputs.
        outputs: Shape,
        /// Shape of what is computed from the targets.
        targets: Shape,
    },
    /// A network or a loss that makes one example's result depend on others.
    #[error(
        "the {of} mixes the examples of a batch with `{}`{}: each example's result must depend on that example alone",
        .mixing.operation, mixed(.mixing)
    )]
    Mixed {
        /// Which of both.
        of: &'static str,
        /// The operation and its place.
        mixing: Mixing,
    },
    /// A network of which an example's outputs depend on the others of its batch, or on its place among them.
    #[error(
        "the outputs of example {example} differ by {} among other examples of a batch: the network makes them depend on the others \
         or on their order (chosen rows, a window or a recurrence over the batch), and each example's result must depend on that \
         example alone",
        number(*.difference)
    )]
    Together {
        /// The first such example.
        example: usize,
        /// The largest difference of its outputs.
        difference: f64,
    },
    /// A network or a loss that takes batches of one size alone.
    #[error(
        "the network and the loss must take any number of examples, and fail with one more than {examples}: {source}"
    )]
    OneBatchSize {
        /// The number of examples that they take.
        examples: usize,
        /// What happens with one more.
        source: ProgramError,
    },
    /// A tensor of another rank or kind than the model reads.
    #[error("tensor {index} of an input is {found}, and the model reads {expected} there")]
    Input {
        /// Position among the tensors of an input, from 0.
        index: usize,
        /// What the model reads.
        expected: Slot,
        /// What was given.
        found: Box<Spec>,
    },
    /// Targets of another number of tensors than the loss reads.
    #[error("targets have {found} tensors, and the loss reads {expected}")]
    TargetTensors {
        /// What the loss reads.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// A tensor of another rank or kind than the loss reads.
    #[error("tensor {index} of the targets is {found}, and the loss reads {expected} there")]
    TargetTensor {
        /// Position among the tensors of the targets, from 0.
        index: usize,
        /// What the loss reads.
        expected: Slot,
        /// What was given.
        found: Box<Spec>,
    },
    /// A tensor of another float type, or on another device, than the model's.
    #[error(
        "{what} is {found}, and the model's parameters are {expected}: cast it (`.cast(..)`) or move it (`.to_device(..)`)"
    )]
    Placement {
        /// Which tensor.
        what: String,
        /// The model's float type or device.
        expected: String,
        /// The tensor's.
        found: String,
    },
    /// Batches of no example.
    #[error("a batch needs at least one example")]
    BatchSize,
    /// Inputs of another number of tensors than the model reads.
    #[error("an input has {found} tensors, and the model reads {expected}")]
    Inputs {
        /// What the model reads.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// The Fisher matrix of a loss that is not known as the negative log-likelihood of a distribution.
    #[error(
        "the loss names no distribution of targets to take the Fisher matrix of: use the Gauss-Newton matrix or the empirical \
         Fisher matrix, or implement `Loss::fisher_product`"
    )]
    NoDistribution,
    /// A structured approximation of a Gauss-Newton matrix that may have negative eigenvalues.
    #[error(
        "the loss is not known to be convex in the outputs, without which the Gauss-Newton matrix has no structured \
         approximation: use a loss that is, or say so of this one (`Loss::is_convex`)"
    )]
    NotConvex,
    /// The loss gives no root of its Hessian, and has too many outputs for one to be computed.
    #[error(
        "a root of the loss's Hessian in {outputs} outputs is needed, and computed for up to {most} only: implement \
         `Loss::hessian_root`"
    )]
    NoRoot {
        /// Outputs of an example.
        outputs: usize,
        /// Most outputs for which one is computed.
        most: usize,
    },
    /// The loss is of an example as a whole.
    #[error(
        "the loss of an example is not a sum over places: take one that is, such as `TokenCrossEntropy`, or implement \
         `Loss::per_place`"
    )]
    NoPlaces,
    /// A batch could not be read.
    #[error("a batch of examples could not be read: {0}")]
    Read(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A pass over streamed examples did not hold as many as promised.
    #[error("a pass over the data gave {found} examples where {expected} were promised")]
    Count {
        /// The number promised.
        expected: usize,
        /// The number read before the difference was noticed.
        found: usize,
    },
    /// A pass over streamed examples gave others than the pass before.
    #[error(
        "a pass over the data gave other examples than the one before: each must give the same in the same order (a seed of its own \
         for every pass, if they are shuffled or augmented)"
    )]
    Stream,
    /// A vector whose length is not the operator's dimension.
    #[error("the vector has {found} elements, the operator {expected}")]
    Dimension {
        /// The operator's dimension (number of parameters).
        expected: usize,
        /// The vector's length.
        found: usize,
    },
    /// Inputs and targets with a different number of examples, or none at all.
    #[error(
        "inputs hold {inputs} examples and targets {targets}: they must agree and not be empty"
    )]
    Examples {
        /// Rows of the inputs.
        inputs: usize,
        /// Rows of the targets.
        targets: usize,
    },
    /// A batch of a sum of two means that are not over the same examples.
    #[error(
        "the sum is of a mean over {a} examples and one over {b}, which have no batch in common: ask for the whole product \
         (`apply`), or take both over the same examples"
    )]
    Batches {
        /// Examples of the first operator.
        a: usize,
        /// Examples of the second.
        b: usize,
    },
    /// An operator of which no part can be taken.
    #[error(
        "{name} is not a mean over examples (`LinearOperator::over_examples`), so that the part of some cannot be taken off it"
    )]
    NotOverExamples {
        /// What it is called.
        name: String,
    },
    /// An example index past the end of the data.
    #[error("example {index} does not exist: the data hold {len}, counted from 0")]
    Index {
        /// The offending index.
        index: usize,
        /// Number of examples.
        len: usize,
    },
    /// A result could not be read back from the device.
    #[error("a result could not be read back from the device: {0}")]
    Device(#[from] TensorReadError),
    /// A result came out NaN or infinite.
    #[error("{what} came out NaN or infinite: {cause}")]
    NotFinite {
        /// What was being computed.
        what: &'static str,
        /// Where it comes from.
        cause: Cause,
    },
    /// A value that the loss is not defined for, or a weight that is none.
    #[error("{} of example {example} is {}: {expected}", part(.what, .element), number(*.value))]
    Target {
        /// What it is: `target` or `weight`.
        what: &'static str,
        /// The first such example.
        example: usize,
        /// The position within what belongs to the example, if it has several numbers.
        element: Option<usize>,
        /// The value.
        value: f64,
        /// What it must be.
        expected: String,
    },
    /// A number in the inputs or targets by which something is looked up that there is not, such as a token beyond an
    /// embedding.
    #[error(
        "example {example} looks up number {value} where there are {len}, counted from 0 by `{operation}`{}: check its inputs and \
         its target", placed(.place)
    )]
    Lookup {
        /// The first such example.
        example: usize,
        /// The number.
        value: i64,
        /// How many there are to choose among.
        len: usize,
        /// The operation's name in Burn.
        operation: String,
        /// Where it is.
        place: Option<ErrorLocation>,
    },
    /// A setting that makes no sense.
    #[error("the setting `{name}` {problem}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

fn shapes(shapes: &[Shape]) -> String {
    let shapes: Vec<_> = shapes.iter().map(Shape::to_string).collect();
    shapes.join(" and ")
}

impl CurvatureError {
    pub(crate) fn setting(name: &'static str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self::Setting { name, problem }
    }

    /// Checks the strength of a quadratic term, where numbers are of `dtype`.
    pub(crate) fn check_strength(name: &'static str, value: f64, dtype: DType) -> Result<(), Self> {
        if value.is_nan() || value < 0.0 {
            let problem = format!("is {}, must be finite and not negative", number(value));
            return Err(Self::setting(name, problem));
        }
        Self::check_finite(name, value, dtype)
    }

    /// Checks that a setting is finite where numbers are of `dtype`.
    pub(crate) fn check_finite(name: &'static str, value: f64, dtype: DType) -> Result<(), Self> {
        if !value.is_finite() {
            return Err(Self::setting(name, format!("is {value}, must be finite")));
        }
        match dtype.finfo() {
            Some(info) if value.abs() > info.max => {
                let problem = format!("is {}, more than {dtype:?} holds", number(value));
                Err(Self::setting(name, problem))
            }
            _ => Ok(()),
        }
    }

    /// The same, of examples that are counted from `start`.
    pub(crate) fn counted_from(mut self, start: usize) -> Self {
        match &mut self {
            Self::Target { example, .. }
            | Self::Lookup { example, .. }
            | Self::Together { example, .. } => *example += start,
            Self::NotFinite { cause, .. } => *cause = cause.clone().counted_from(start),
            _ => {}
        }
        self
    }
}

/// A number in a few digits, if it is one of few digits.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if (1e-4..1e16).contains(&size) => value.to_string(),
        _ => format!("{value:e}"),
    }
}

fn part(what: &str, element: &Option<usize>) -> String {
    match element {
        Some(element) => format!("element {element} of the {what}"),
        None => format!("the {what}"),
    }
}

fn mixed(mixing: &Mixing) -> String {
    placed(&mixing.place)
}

fn placed(place: &Option<ErrorLocation>) -> String {
    match place {
        Some(place) => format!(" ({place})"),
        None => String::new(),
    }
}
