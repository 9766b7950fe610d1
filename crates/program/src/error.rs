//! What can go wrong between a user's function and its derivative's value.

/// Error of tracing, transforming or running a program.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// An operation that the program's interpreter does not know.
    #[error("the operation {operation} is not supported in a program")]
    Unsupported {
        /// The operation's name in Burn's IR.
        operation: String,
    },
}
