//! What was asked of a source that it cannot do.

use super::scaling::ScalingProblem;

/// What was asked of a source that it cannot do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A column is to divide what has no columns.
    #[error("it has no column `{0}` to divide it by: only a table has columns")]
    Split(String),
    /// What a table's columns are to be made of is asked of what has none.
    #[error("`{0}` was asked for, a column or a separator of columns: only a table has them")]
    Columns(String),
    /// Another test part is asked of text.
    #[error("text has parts of its own: what to test on is NAME.test.txt in its folder")]
    TestOfText,
    /// Something else than arrays is to be tested on.
    #[error("arrays are tested on arrays: give a file `.npz` too")]
    TestOfArrays,
    /// Two ways to divide are asked for.
    #[error("both a column and another file were asked to say what is tested: leave one out")]
    TwoDivisions,
    /// Numbers are asked of labels that are names.
    #[error("its labels are names of classes, not numbers, so that there is no regression on them")]
    NoNumbers,
    /// Classes or numbers are asked of text.
    #[error("it is text, whose next token is predicted: neither classification nor regression")]
    TaskOfText,
    /// Tokens are to be scaled.
    #[error("its inputs are tokens, which cannot be scaled")]
    Tokens,
    /// Classes are to be scaled.
    #[error("its targets are classes, which cannot be scaled; only a regression's targets can")]
    Classes,
    /// The scaling asked for is not possible.
    #[error("{0}")]
    Scaling(ScalingProblem),
}
