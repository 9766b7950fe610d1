//! What can go wrong with a closed form.

/// Error of a closed form. The message says what to change.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClosedFormError {
    /// No examples, or no columns.
    #[error("there are no {what}: give at least one")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
    /// Another number of values than of what they belong to.
    #[error("{what} are {found}, and must be {expected}")]
    Length {
        /// Which values.
        what: &'static str,
        /// How many there must be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// NaN or infinity where there must be none.
    #[error("{what} of example {example} holds NaN or infinity: leave the example out, or mend it")]
    NotFinite {
        /// Its inputs, or its target.
        what: &'static str,
        /// The example, counted from 0.
        example: usize,
    },
    /// Numbers so large that their products are none.
    #[error("{what} came out NaN or infinite: scale the inputs and the targets down")]
    Overflow {
        /// What was computed.
        what: &'static str,
    },
    /// A class that there is not.
    #[error("example {example} has the class {class}: there are {classes}, counted from 0")]
    Class {
        /// The example, counted from 0.
        example: usize,
        /// Its class.
        class: usize,
        /// How many there are.
        classes: usize,
    },
    /// A setting that makes no sense.
    #[error("the setting `{name}` {problem}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A column that the columns before it make up.
    #[error(
        "{column} is a combination of the columns before it, up to rounding, over {examples} examples, so that the coefficients are \
         not settled: leave it out, or give a ridge"
    )]
    Collinear {
        /// The column, in words.
        column: String,
        /// Number of examples.
        examples: usize,
    },
    /// Outputs that only differ from each other matter, and nothing holds their common part.
    #[error(
        "the coefficients of the {outputs} classes can all be moved alike without a change of any probability, so that they are not \
         settled: give a ridge, on the intercept too, or tell two classes apart by one output"
    )]
    Shift {
        /// The classes.
        outputs: usize,
    },
    /// Classes that a plane tells apart, for which larger coefficients are always better.
    #[error(
        "the classes are told apart without an error, so that the loss has no minimum (after {steps} steps the largest coefficient is \
         {largest:.1e}): give a ridge"
    )]
    Separable {
        /// Newton steps so far.
        steps: usize,
        /// The largest coefficient.
        largest: f64,
    },
    /// A minimum was not reached.
    #[error(
        "after {steps} Newton steps the gradient of the mean loss has the norm {gradient:.2e}, above the tolerance {tolerance:.0e}: \
         raise the tolerance, or give a larger ridge"
    )]
    NotConverged {
        /// Steps made.
        steps: usize,
        /// The norm.
        gradient: f64,
        /// The norm to reach.
        tolerance: f64,
    },
    /// An example without which the coefficients are not settled.
    #[error(
        "example {example} is fitted by itself alone (its leverage is 1 up to rounding): without it the coefficients are not settled. \
         Give a ridge, or leave out what only it has"
    )]
    FittedAlone {
        /// The example, counted from 0.
        example: usize,
    },
    /// No examples are left over to tell the noise by.
    #[error(
        "{examples} examples leave nothing to tell the noise by beside {parameters:.1} parameters: residuals have no scale to be \
         divided by"
    )]
    NoFreedom {
        /// Number of examples.
        examples: usize,
        /// Parameters that the data settle.
        parameters: f64,
    },
    /// Residuals that are all zero.
    #[error("all targets are met exactly: residuals have no scale to be divided by")]
    ExactFit,
    /// What is measured of a query could not be computed.
    #[error("what is measured of a query could not be computed: {reason}")]
    Measurement {
        /// Why.
        reason: String,
    },
    /// An example that there is not.
    #[error("example {index} does not exist: there are {len}, counted from 0")]
    Index {
        /// The index.
        index: usize,
        /// Number of examples.
        len: usize,
    },
}
