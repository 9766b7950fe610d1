//! What to do where a device's memory did not suffice.

/// Smaller batches, if there are any.
pub(crate) fn remedy(batch: Option<usize>) -> String {
    match batch {
        Some(batch) if batch > 1 => format!(
            " for batches of {batch} examples: try {} (`Cost::with_batch_size`), and keep less between products \
             (`Curvature::with_memory`)",
            batch / 2
        ),
        _ => ": compute elsewhere, or with a smaller network".to_owned(),
    }
}
