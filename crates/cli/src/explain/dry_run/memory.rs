//! How much memory a run needs at most.

use std::fmt;

use super::{Sizes, measured::BatchTimes};
use crate::{
    args::{Explain, SolverName, VerifyName},
    memory::gigabytes,
};
use backdraft::attribution::ChunkConfig;

/// Bytes of activations that a matrix keeps between products, and of vectors that conjugate gradients keep.
const KEPT: usize = 1 << 30;
const VECTORS: usize = 4 << 30;

/// Vectors that conjugate gradients hold for a right-hand side beside the bases before.
const WORKING: usize = 16;

/// Numbers that a score takes where all are held: in the parts, the record, the file, and for the verification.
const COPIES: usize = 5;

/// Vectors in 64 bits of a response: the parameters, gradients, and the history of its minimiser.
const RESPONSE: usize = 40;

/// What is there beside what is counted: buffers of readers and writers, pages, the report.
const REST: usize = 64 << 20;

/// Bytes, part by part.
pub(super) struct MemoryNeed {
    parts: Vec<(&'static str, usize)>,
    /// Whether the process was measured.
    measured: bool,
}

impl MemoryNeed {
    /// With what a batch took, of which there are so many, and conjugate gradients of at most `steps` iterations.
    pub fn of(
        args: &Explain,
        sizes: &Sizes,
        (times, batches): (&BatchTimes, f64),
        steps: f64,
    ) -> Self {
        let Sizes {
            parameters,
            number,
            train,
            columns,
            rows,
            at_once,
            dampings,
        } = *sizes;
        let vector = parameters * number;
        let [held, growth] = match times.memory {
            Some([before, peak]) => [before, peak.saturating_sub(before)],
            None => [4 * parameters + 4 * train * columns, 0],
        };
        let batches = batches.ceil() as usize;
        let vectors = match args.solver() {
            SolverName::Cg => (at_once * vector)
                .saturating_mul(WORKING + steps as usize)
                .min(VECTORS),
            _ => 0,
        };
        let scores = match args.large.store_scores {
            Some(_) => 0,
            None => rows * train * dampings * 8 * COPIES,
        };
        let verifying = match args.verify {
            VerifyName::None if args.verify_removals.is_none() => 0,
            _ => RESPONSE * parameters * 8 + train * columns * 16 + 3 * growth,
        };
        let parts = vec![
            ("the process with the data", held),
            ("a batch on its way, and the program", 2 * growth),
            ("activations kept", growth.saturating_mul(batches).min(KEPT)),
            ("the data on the device", 2 * train * columns * number),
            ("vectors of conjugate gradients", vectors),
            (
                "queries gone through at once",
                at_once * ChunkConfig::bytes(parameters, number, train),
            ),
            ("all scores", scores),
            ("verification in 64 bits", verifying),
            ("the rest", REST),
        ];
        Self {
            parts,
            measured: times.memory.is_some(),
        }
    }

    fn total(&self) -> usize {
        self.parts.iter().map(|it| it.1).sum()
    }
}

impl fmt::Display for MemoryNeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = match self.measured {
            true => "from what a batch took, measured",
            false => "without what a batch takes, which this system does not tell",
        };
        write!(
            f,
            "predicted, memory at most: {} ({from}):",
            told(self.total())
        )?;
        let parts = self.parts.iter().filter(|it| it.1 > 0);
        for (place, (name, bytes)) in parts.enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(f, "{comma} {name} {}", told(*bytes))?;
        }
        Ok(())
    }
}

/// Bytes in words.
pub(super) fn told(bytes: usize) -> String {
    match bytes {
        few if few < 100_000_000 => format!("{:.1} MB", few as f64 / 1e6),
        many => gigabytes(many as u128),
    }
}
