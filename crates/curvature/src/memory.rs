//! Devices whose memory does not suffice.

/// What GPU backends say of an allocation that did not fit.
const SIGNS: [&str; 3] = [
    "out of device memory",
    "can't allocate buffer",
    "out-of-memory error",
];

/// Whether a device's error, as Burn reports it when something is read back, means that its memory did not suffice.
/// Burn tells so in words alone.
pub fn is_out_of_memory(error: &str) -> bool {
    SIGNS.iter().any(|sign| error.contains(sign))
}
