//! What a structured approximation knows of which parameters.

use std::fmt;

/// How the curvature of a part of the parameters is approximated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockKind {
    /// A Kronecker product of a matrix in a layer's inputs and one in its outputs.
    Kronecker,
    /// All elements, exact.
    Exact,
    /// The diagonal elements, exact.
    Diagonal,
}

/// A part of the parameters that is approximated by itself; between parts there is nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockSummary {
    /// How.
    pub kind: BlockKind,
    /// Names of its parameters.
    pub names: Vec<String>,
    /// How many numbers they are.
    pub len: usize,
}

/// What a structured approximation knows of which parameters. It prints as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Its parts, which together are all parameters.
    pub blocks: Vec<BlockSummary>,
    /// Columns, or mixtures of them, of a square root of every example's output Hessian that were pulled back.
    pub columns: usize,
    /// Whether these are all columns: then nothing was drawn.
    pub all_columns: bool,
}

impl Coverage {
    /// How many numbers the blocks of a kind are.
    pub fn len(&self, kind: BlockKind) -> usize {
        let of_kind = self.blocks.iter().filter(|block| block.kind == kind);
        of_kind.map(|block| block.len).sum()
    }

    /// Whether there is no parameter; never the case.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: usize = self.blocks.iter().map(|block| block.len).sum();
        write!(f, "{total} of {total} parameters")?;
        let kinds = [
            (BlockKind::Kronecker, "as Kronecker products"),
            (BlockKind::Exact, "in exact blocks"),
            (BlockKind::Diagonal, "by the diagonal"),
        ];
        let mut before = ": ";
        for (kind, text) in kinds {
            let blocks = self
                .blocks
                .iter()
                .filter(|block| block.kind == kind)
                .count();
            if blocks > 0 {
                write!(f, "{before}{} {text} ({blocks})", self.len(kind))?;
                before = ", ";
            }
        }
        match self.all_columns {
            true => write!(f, "; every column of the output Hessians, {}", self.columns),
            false => write!(
                f,
                "; {} random mixtures of the output Hessians' columns",
                self.columns
            ),
        }
    }
}
