//! Safetensors files whose bytes are the same each time.

use std::collections::BTreeMap;

use serde_json::Value;

/// Bytes of the length of the header, at the start of the file.
const LENGTH: usize = 8;
/// The key of what is no tensor.
const METADATA: &str = "__metadata__";

/// A safetensors file with the keys of its header in order, that of the metadata first. The library keeps metadata in a
/// hash map, whose order changes from process to process. Anything else comes back as it is.
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
    let mut tensors: BTreeMap<String, BTreeMap<String, Value>> =
        serde_json::from_slice(rest.get(..length)?).ok()?;
    let metadata = tensors.remove(METADATA);
    let mut sorted = serde_json::to_vec(&tensors).ok()?;
    if let Some(metadata) = metadata {
        // First, where digests have their place: a name such as `0.weight` comes before it in order.
        let metadata = serde_json::to_vec(&BTreeMap::from([(METADATA, metadata)])).ok()?;
        sorted = match tensors.is_empty() {
            true => metadata,
            false => [&metadata[..metadata.len() - 1], b",", &sorted[1..]].concat(),
        };
    }
    if sorted.len() > length {
        return None;
    }
    // Padding, which the format has as spaces.
    sorted.resize(length, b' ');
    Some(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str) -> Vec<u8> {
        [
            &(header.len() as u64).to_le_bytes(),
            header.as_bytes(),
            &[7],
        ]
        .concat()
    }

    #[test]
    fn metadata_comes_first_and_tensors_in_order() {
        let found = stable(file(
            r#"{"a":{"z":1,"b":2},"0.weight":{},"__metadata__":{"format":"pt"}}"#,
        ));
        let expected = r#"{"__metadata__":{"format":"pt"},"0.weight":{},"a":{"b":2,"z":1}}"#;
        assert_eq!(found, file(expected));
        let alone = file(r#"{"__metadata__":{"format":"pt"}}"#);
        assert_eq!(stable(alone.clone()), alone);
        let none = file(r#"{"a":{}}"#);
        assert_eq!(stable(none.clone()), none);
    }
}
