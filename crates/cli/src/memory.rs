//! What has to fit into memory is counted before any of it is asked for.

use std::fs;

use backdraft_models::ZooConfig;
use burn::tensor::DType;

use super::{CliError, device::Opened};
use backdraft_report::count;

/// Vectors as long as the weights that every run holds at once: these, a gradient, and training's or a solver's own.
const VECTORS: u128 = 3;

/// Refuses a network that no run could hold here; `option` is what makes it so large.
pub(super) fn check_network(
    option: &'static str,
    network: &ZooConfig,
    opened: &Opened,
    dtype: DType,
) -> Result<(), CliError> {
    check_parameters(option, network.parameters(), opened, dtype)
}

/// The same of so many parameters.
pub(super) fn check_parameters(
    option: &'static str,
    parameters: u128,
    opened: &Opened,
    dtype: DType,
) -> Result<(), CliError> {
    // Weights for a graphics card come to it through the machine's memory, once.
    let (vectors, held) = match opened.is_processor() {
        true => (VECTORS, "weights, gradient and a third vector take"),
        false => (1, "weights take"),
    };
    let bytes = parameters
        .saturating_mul(dtype.size() as u128)
        .saturating_mul(vectors);
    refuse(option, bytes, || {
        format!(
            "asks for a network of {} parameters, whose {held} {} in {}",
            count(parameters),
            gigabytes(bytes),
            if dtype == DType::F64 { "f64" } else { "f32" }
        )
    })
}

/// Refuses more scores than can be held here.
pub(super) fn check_scores(queries: usize, train: usize) -> Result<(), CliError> {
    let bytes = (queries as u128)
        .saturating_mul(train as u128)
        .saturating_mul(size_of::<f64>() as u128);
    refuse("--queries", bytes, || {
        format!(
            "names {} test examples: their scores of {} training examples take {}",
            count(queries),
            count(train),
            gigabytes(bytes)
        )
    })
}

fn refuse(
    option: &'static str,
    bytes: u128,
    what: impl FnOnce() -> String,
) -> Result<(), CliError> {
    let reason = match machine() {
        Some(most) if bytes > most => {
            format!("this machine has {} of memory and swap", gigabytes(most))
        }
        None if !can_be_had(bytes) => "the system does not give that much".to_owned(),
        _ => return Ok(()),
    };
    Err(CliError::Option {
        option,
        problem: format!("{}, and {reason}", what()),
    })
}

/// Bytes of memory and swap that this process may ever have; none where the system does not tell, as Linux does.
fn machine() -> Option<u128> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let kibibytes = |name: &str| -> Option<u128> {
        let line = info.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    };
    let all = 1024 * (kibibytes("MemTotal:")? + kibibytes("SwapTotal:").unwrap_or(0));
    // A container may have less than the machine.
    let limit = |name: &str| -> Option<u128> {
        let text = fs::read_to_string(format!("/sys/fs/cgroup/memory.{name}")).ok()?;
        text.trim().parse().ok()
    };
    let own = limit("max").map(|max| max.saturating_add(limit("swap.max").unwrap_or(all)));
    Some(own.map_or(all, |own| own.min(all)))
}

/// Whether the system lends so much, which is not touched.
fn can_be_had(bytes: u128) -> bool {
    let bytes = usize::try_from(bytes);
    bytes.is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok())
}

/// Bytes in words.
pub(super) fn gigabytes(bytes: u128) -> String {
    match bytes as f64 / 1e9 {
        few if few < 1e4 => format!("{few:.1} GB"),
        many => format!("{} GB", count(many as u128)),
    }
}
