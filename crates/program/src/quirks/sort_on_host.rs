//! Sorts, which no recorded run can hold.
//!
//! - Fault: Burn reads a tensor back to the host to sort it, on every device. Burn 0.22.1.
//! - Way round: programs that sort run as they are.
//! - It may go when `a_program_that_sorts_runs_as_it_is` in `tests/tests/across/recorded.rs` passes without it. No
//!   test tells by itself.

use burn_ir::{NumericOperationIr as Numeric, OperationIr};

/// Whether Burn (0.22) reads the operation's input back to the host, which cannot be recorded.
pub(crate) fn sorts(op: &OperationIr) -> bool {
    let (OperationIr::NumericFloat(_, op) | OperationIr::NumericInt(_, op)) = op else {
        return false;
    };
    matches!(
        op,
        Numeric::Sort(_) | Numeric::SortWithIndices(_) | Numeric::ArgSort(_)
    )
}
