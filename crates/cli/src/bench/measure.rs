//! Time of one thing, run often.

use std::time::Instant;

use backdraft_curvature::CurvatureError;
use burn::tensor::Device;

use super::usage::{Processors, peak_memory, restart_peak_memory};
use crate::CliError;

/// Runs before the clock counts: tracing, warm caches.
const WARM_UP: usize = 3;
/// Runs go on for as long as this, unless they hit the limit.
const SECONDS: f64 = 2.0;

/// How often to run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Least number of timed runs.
    pub runs: usize,
    /// Most time in seconds, whatever the number of runs; the runs before the clock counts take no more than that
    /// either.
    pub seconds: f64,
}

/// Times in seconds, and what was in use meanwhile.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProductTimes {
    pub median: f64,
    pub least: f64,
    pub runs: usize,
    /// The share of the machine's processors that other processes took, in percent, where the system tells.
    pub others: Option<f64>,
    /// Most memory that the process held meanwhile, in MiB, where the system tells.
    pub peak: Option<u64>,
}

/// Runs `f` and waits for the device each time. Results are held until then: a device may leave out what nobody can
/// read.
pub(super) fn measure<T>(
    limits: Limits,
    device: &Device,
    f: &dyn Fn() -> Result<T, CurvatureError>,
) -> Result<ProductTimes, CliError> {
    let finished = || {
        device
            .sync()
            .map_err(|error| CliError::Execution(error.to_string()))
    };
    let start = Instant::now();
    for _ in 0..WARM_UP {
        let result = f()?;
        finished()?;
        drop(result);
        if start.elapsed().as_secs_f64() > limits.seconds {
            break;
        }
    }
    // By now the allocator has given back what it held for other things, or most of it.
    let restarted = restart_peak_memory();
    let mut times = Vec::new();
    let before = Processors::now();
    let start = Instant::now();
    loop {
        let run = Instant::now();
        let result = f()?;
        finished()?;
        times.push(run.elapsed().as_secs_f64());
        drop(result);
        let spent = start.elapsed().as_secs_f64();
        if spent > limits.seconds || (times.len() >= limits.runs && spent >= SECONDS) {
            break;
        }
    }
    let others = before
        .zip(Processors::now())
        .map(|(before, after)| after.others_since(before));
    let peak = peak_memory().filter(|_| restarted);
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    let median = if times.len() % 2 == 1 {
        times[middle]
    } else {
        0.5 * (times[middle - 1] + times[middle])
    };
    Ok(ProductTimes {
        median,
        least: times[0],
        runs: times.len(),
        others,
        peak,
    })
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn runs(limits: Limits) -> (usize, usize) {
        let calls = Cell::new(0);
        let f = || {
            calls.set(calls.get() + 1);
            Ok(())
        };
        let measured = measure(limits, &Device::flex(), &f).unwrap();
        (calls.get(), measured.runs)
    }

    #[test]
    fn warming_up_counts_against_the_limit() {
        let (calls, runs) = runs(Limits {
            runs: 5,
            seconds: 0.0,
        });
        assert_eq!((calls, runs), (2, 1));
    }

    #[test]
    fn the_clock_starts_after_warming_up() {
        let (calls, runs) = runs(Limits {
            runs: 1,
            seconds: 0.2,
        });
        assert_eq!(calls, runs + WARM_UP);
    }
}
