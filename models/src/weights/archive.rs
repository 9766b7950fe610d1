//! ZIP archives as `torch.save` writes them.

use std::collections::HashMap;
use std::ops::Range;

use flate2::Crc;

use crate::quote;

const END: [u8; 4] = *b"PK\x05\x06";
const END_64_LOCATOR: [u8; 4] = *b"PK\x06\x07";
const END_64: [u8; 4] = *b"PK\x06\x06";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// Bytes of the end record without its comment, which is at most 65,535 bytes long.
const END_LENGTH: usize = 22;
/// Where a 32-bit field points to the 64-bit one.
const IN_64: u64 = 0xffff_ffff;

/// A ZIP archive (APPNOTE 6.3.10) in memory whose entries are not compressed, as `torch.save` writes it.
pub(super) struct Archive {
    bytes: Vec<u8>,
    entries: HashMap<String, Entry>,
}

struct Entry {
    crc: u32,
    compressed: bool,
    size: u64,
    /// Where its local header starts.
    offset: u64,
}

impl Archive {
    /// Reads the list of entries.
    pub(super) fn new(bytes: Vec<u8>) -> Result<Self, String> {
        let list = Self::list(&bytes);
        let entries =
            list.ok_or("its list of contents is damaged or missing, the file may be cut short")?;
        Ok(Self { bytes, entries })
    }

    fn list(bytes: &[u8]) -> Option<HashMap<String, Entry>> {
        let earliest = bytes.len().saturating_sub(END_LENGTH + 0xffff);
        let end = (earliest..=bytes.len().checked_sub(END_LENGTH)?)
            .rev()
            .find(|&at| bytes[at..].starts_with(&END))?;
        let mut count = field(bytes, end + 10, 2)?;
        let mut at = field(bytes, end + 16, 4)?;
        let locator = end.checked_sub(20);
        if let Some(locator) = locator.filter(|&at| bytes[at..].starts_with(&END_64_LOCATOR)) {
            let end = usize::try_from(field(bytes, locator + 8, 8)?).ok()?;
            bytes.get(end..)?.starts_with(&END_64).then_some(())?;
            count = field(bytes, end.checked_add(32)?, 8)?;
            at = field(bytes, end.checked_add(48)?, 8)?;
        }
        let mut at = usize::try_from(at).ok()?;
        let mut entries = HashMap::new();
        for _ in 0..count {
            bytes.get(at..)?.starts_with(&ENTRY).then_some(())?;
            let [name, extra, comment] = [28, 30, 32].map(|place| field(bytes, at + place, 2));
            let [name, extra, comment] = [name?, extra?, comment?].map(|length| length as usize);
            let names = at + 46;
            let extras = names + name;
            let name = str::from_utf8(bytes.get(names..extras)?).ok()?;
            let mut sizes = [20, 24, 42].map(|place| field(bytes, at + place, 4));
            widen(&mut sizes, bytes.get(extras..extras + extra)?)?;
            let [packed, size, offset] = sizes;
            let entry = Entry {
                crc: field(bytes, at + 16, 4)? as u32,
                compressed: field(bytes, at + 10, 2)? != 0 || packed != size,
                size: size?,
                offset: offset?,
            };
            // Of two entries with one name nobody knows which is meant.
            entries
                .insert(name.to_owned(), entry)
                .is_none()
                .then_some(())?;
            at = extras + extra + comment;
        }
        Some(entries)
    }

    /// The names of all entries.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Whether there is an entry of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// The contents of an entry.
    pub(super) fn read(&self, name: &str) -> Result<&[u8], String> {
        let entry = self.entries.get(name);
        let name = quote::text(name);
        let entry = entry.ok_or_else(|| format!("its entry {name} is missing"))?;
        if entry.compressed {
            return Err(format!(
                "its entry {name} is compressed, which torch.save does not do"
            ));
        }
        let contents = self
            .place(entry)
            .ok_or_else(|| format!("its entry {name} lies outside the file"))?;
        let contents = &self.bytes[contents];
        // No sum: torch.save(..) with compute_crc32 off writes 0.
        let mut crc = Crc::new();
        crc.update(contents);
        if entry.crc != 0 && crc.sum() != entry.crc {
            return Err(format!(
                "its entry {name} is damaged, the check sum is wrong"
            ));
        }
        Ok(contents)
    }

    fn place(&self, entry: &Entry) -> Option<Range<usize>> {
        let local = usize::try_from(entry.offset).ok()?;
        let bytes = self.bytes.as_slice();
        bytes.get(local..)?.starts_with(&LOCAL).then_some(())?;
        let [name, extra] = [26, 28].map(|place| field(bytes, local + place, 2));
        let start = local + 30 + name? as usize + extra? as usize;
        let end = start.checked_add(usize::try_from(entry.size).ok()?)?;
        (end <= bytes.len()).then_some(start..end)
    }
}

/// Replaces the 32-bit fields that are full by those of the extra field with the number 1, in the order of that field:
/// size, packed size, offset.
fn widen([packed, size, offset]: &mut [Option<u64>; 3], mut extra: &[u8]) -> Option<()> {
    let full = |field: &Option<u64>| *field == Some(IN_64);
    if !full(packed) && !full(size) && !full(offset) {
        return Some(());
    }
    loop {
        let (tag, length) = (field(extra, 0, 2)?, field(extra, 2, 2)? as usize);
        let contents = extra.get(4..4 + length)?;
        if tag == 1 {
            let wide = [size, packed, offset]
                .into_iter()
                .filter(|field| full(field));
            for (place, field_32) in wide.enumerate() {
                *field_32 = Some(field(contents, 8 * place, 8)?);
            }
            return Some(());
        }
        extra = &extra[4 + length..];
    }
}

/// A little-endian number.
fn field(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |number, &byte| (number << 8) | u64::from(byte)),
    )
}
