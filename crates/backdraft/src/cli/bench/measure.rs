//! Time of one thing, run often.

use std::{fs, time::Instant};

use backdraft_curvature::CurvatureError;
use burn::tensor::Device;

use crate::cli::CliError;

/// Runs before the clock counts: tracing, warm caches.
const WARM_UP: usize = 3;
/// Runs go on for as long as this, unless they hit the limit.
const SECONDS: f64 = 2.0;

/// How often to run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Least number of timed runs.
    pub runs: usize,
    /// Most time in seconds, whatever the number of runs.
    pub seconds: f64,
}

/// Times in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub median: f64,
    pub least: f64,
    pub runs: usize,
}

/// Runs `f` and waits for the device each time.
pub(super) fn measure(
    limits: Limits,
    device: &Device,
    f: &dyn Fn() -> Result<(), CurvatureError>,
) -> Result<Measured, CliError> {
    let finished = || {
        device
            .sync()
            .map_err(|error| CliError::Execution(error.to_string()))
    };
    for _ in 0..WARM_UP {
        f()?;
    }
    finished()?;
    let mut times = Vec::new();
    let start = Instant::now();
    loop {
        let run = Instant::now();
        f()?;
        finished()?;
        times.push(run.elapsed().as_secs_f64());
        let spent = start.elapsed().as_secs_f64();
        if spent > limits.seconds || (times.len() >= limits.runs && spent >= SECONDS) {
            break;
        }
    }
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    let median = if times.len() % 2 == 1 {
        times[middle]
    } else {
        0.5 * (times[middle - 1] + times[middle])
    };
    Ok(Measured {
        median,
        least: times[0],
        runs: times.len(),
    })
}

/// Most memory that this process has held, in MiB, where the system tells.
pub(super) fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}
