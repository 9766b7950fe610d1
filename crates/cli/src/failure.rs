//! What becomes of a device's failure in the midst of a computation, which Burn panics about wherever it reads a
//! result.

use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
};

use backdraft_curvature::is_out_of_memory;
use backdraft_influence::{ResponseError, SolveError, unlearn::UnlearnError};

use super::CliError;

/// How Burn begins its report of a device's failure.
const FAILED: &str = "An error happened during execution";

/// The option that takes fewer examples to the device at once, and how many there are now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remedy {
    pub option: &'static str,
    pub examples: usize,
    /// Whether the command goes on from checkpoints.
    pub resumes: bool,
}

/// Does `work`. If the device fails, that is an error and no panic, with a remedy where its memory did not suffice.
pub(super) fn guarded<T>(
    remedy: Remedy,
    work: impl FnOnce() -> Result<T, CliError>,
) -> Result<T, CliError> {
    let loud = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if text(info.payload()).is_none_or(|text| !is_of_device(text)) {
            loud(info);
        }
    }));
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    let _ = panic::take_hook();
    let error = match outcome {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(
            CliError::Solve(SolveError::OutOfMemory { .. })
            | CliError::Response(ResponseError::OutOfMemory { .. })
            | CliError::Unlearn(UnlearnError::OutOfMemory { .. }),
        )) => return Err(memory(remedy)),
        Ok(Err(error)) if is_out_of_memory(&error.to_string()) => return Err(memory(remedy)),
        Ok(Err(error)) => return Err(error),
        Err(payload) => payload,
    };
    match text(&*error) {
        Some(text) if is_out_of_memory(text) => Err(memory(remedy)),
        Some(text) if is_of_device(text) => Err(CliError::Execution(cause(text))),
        _ => panic::resume_unwind(error),
    }
}

fn memory(remedy: Remedy) -> CliError {
    CliError::Memory {
        option: remedy.option,
        examples: remedy.examples,
        resumes: remedy.resumes,
    }
}

fn is_of_device(text: &str) -> bool {
    text.contains(FAILED) || is_out_of_memory(text)
}

/// What a panic says.
fn text(payload: &(dyn Any + Send)) -> Option<&str> {
    let owned = payload.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| payload.downcast_ref::<&str>().copied())
}

/// The line after "Caused by".
fn cause(text: &str) -> String {
    let mut lines = text
        .lines()
        .map(str::trim)
        .skip_while(|it| !it.starts_with("Caused by"));
    lines.nth(1).unwrap_or(FAILED).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REMEDY: Remedy = Remedy {
        option: "--pass",
        examples: 250,
        resumes: true,
    };

    /// As Burn says it, with what a backend adds.
    fn report(reason: &str) -> String {
        format!(
            "Error while reading data: An error happened during execution\nCaused by:\n  {reason}\n  0: frame"
        )
    }

    fn fails(with: String) -> CliError {
        let outcome = guarded(REMEDY, || -> Result<(), CliError> { panic!("{with}") });
        outcome.expect_err("it panicked")
    }

    #[test]
    fn memory_that_does_not_suffice_has_a_remedy() {
        let error = fails(report("out of device memory allocating 4096 bytes"));
        assert_eq!(
            error.to_string(),
            "the device's memory did not suffice for 250 examples at once: try --pass 125; the same command with it goes on from its \
             last checkpoint"
        );
        assert_eq!(error.code(), 1);
    }

    #[test]
    fn other_failures_of_a_device_say_their_cause() {
        let error = fails(report("the device was lost"));
        assert_eq!(error.to_string(), "the device failed: the device was lost");
    }

    #[test]
    fn other_panics_go_on() {
        let outcome = panic::catch_unwind(|| fails("a mistake of ours".to_owned()));
        assert_eq!(
            outcome.err().as_deref().and_then(text),
            Some("a mistake of ours")
        );
    }

    #[test]
    fn what_is_done_is_handed_over() {
        assert!(matches!(guarded(REMEDY, || Ok(7)), Ok(7)));
    }
}
