//! Safetensors files whose bytes are the same each time.

use std::collections::BTreeMap;

use serde_json::Value;

/// Bytes of the length of the header, at the start of the file.
const LENGTH: usize = 8;

/// A safetensors file with the keys of its header in order. The library keeps metadata in a hash map, whose order
/// changes from process to process. Anything else comes back as it is.
pub fn stable(mut file: Vec<u8>) -> Vec<u8> {
    if let Some(header) = sorted_header(&file) {
        file[LENGTH..LENGTH + header.len()].copy_from_slice(&header);
    }
    file
}

/// The header as it should be, of the length that it has.
fn sorted_header(file: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = file.split_first_chunk::<LENGTH>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let header: BTreeMap<String, BTreeMap<String, Value>> =
        serde_json::from_slice(rest.get(..length)?).ok()?;
    let mut sorted = serde_json::to_vec(&header).ok()?;
    if sorted.len() > length {
        return None;
    }
    // Padding, which the format has as spaces.
    sorted.resize(length, b' ');
    Some(sorted)
}
