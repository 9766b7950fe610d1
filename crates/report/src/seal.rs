//! Digests: whether a file still is what a run wrote there.

use std::fmt::{self, Display};

use backdraft_attribution::Digest;
use serde::Serialize;

use super::OutputError;

/// What stands before and after the digits of a digest, in a JSON object as in the header of a safetensors file. With
/// the 64 digits these are 80 bytes, ten of the words that safetensors files are aligned to.
const BEFORE: &[u8] = b"\n  \"digest\": \"";
const AFTER: &[u8] = b"\",";
const DIGITS: usize = 64;
const MARK: usize = BEFORE.len() + DIGITS + AFTER.len();

/// How a safetensors file with metadata begins, after the length of its header.
const METADATA: &[u8] = b"{\"__metadata__\":{";
/// Bytes of that length.
const LENGTH: usize = 8;

/// Marks the files that a run reads again with a digest of their bytes, their name and what they belong to, and checks
/// it.
///
/// The files stay what they are, JSON objects or safetensors with metadata: the digest is an entry of them.
#[derive(Clone, Debug)]
pub struct Seal {
    /// What all files belong to.
    of: [u8; 32],
}

/// Why a file is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// There is no digest where one should be.
    None,
    /// The digest is another.
    Differs,
}

impl Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "it does not begin with a digest, which this version of Backdraft writes",
            Self::Differs => {
                "its digest is not that of its contents, its name and the run that it is of"
            }
        })
    }
}

impl Seal {
    /// For files that can be read without knowing what they belong to.
    pub fn unbound() -> Self {
        Self { of: [0; 32] }
    }

    /// For files that belong to a run with these settings.
    ///
    /// # Errors
    /// If they cannot be put into JSON.
    pub fn of(settings: &impl Serialize) -> Result<Self, OutputError> {
        let settings = serde_json::to_vec(settings)
            .map_err(|error| OutputError::encode("the settings", error))?;
        Ok(Self {
            of: Digest::of(&settings).bytes(),
        })
    }

    /// For files that belong to such a run and to a file of it besides, which has these bytes.
    pub fn with(&self, file: &[u8]) -> Self {
        let mut sum = Digest::of(&self.of);
        sum.feed(file);
        Self { of: sum.bytes() }
    }

    /// The file `name` with its digest.
    ///
    /// # Errors
    /// If it is neither a JSON object nor a safetensors file with metadata.
    pub fn mark(&self, name: &str, mut file: Vec<u8>) -> Result<Vec<u8>, OutputError> {
        let unfit = || OutputError::encode("a digest", format!("there is no place in {name}"));
        let at = place(&file).ok_or_else(unfit)?;
        let mark = [BEFORE, self.sum(name, &file).as_bytes(), AFTER].concat();
        file.splice(at..at, mark);
        if at > 1 {
            lengthen(&mut file, MARK as i64).ok_or_else(unfit)?;
        }
        Ok(file)
    }

    /// The file `name` without its digest, as it was before.
    ///
    /// # Errors
    /// If it is not to the bit what [`mark`](Self::mark) made for a file of this name.
    pub fn check(&self, name: &str, mut file: Vec<u8>) -> Result<Vec<u8>, Broken> {
        let at = place(&file).ok_or(Broken::None)?;
        let mark = file.get(at..at + MARK).ok_or(Broken::None)?;
        let digits = mark.strip_prefix(BEFORE).ok_or(Broken::None)?;
        let digits = digits.strip_suffix(AFTER).ok_or(Broken::None)?.to_vec();
        file.drain(at..at + MARK);
        if at > 1 {
            lengthen(&mut file, -(MARK as i64)).ok_or(Broken::Differs)?;
        }
        match self.sum(name, &file).as_bytes() == digits {
            true => Ok(file),
            false => Err(Broken::Differs),
        }
    }

    fn sum(&self, name: &str, file: &[u8]) -> String {
        let mut sum = Digest::of(&self.of);
        for part in [name.as_bytes(), &[0], file] {
            sum.feed(part);
        }
        sum.digits()
    }
}

/// Where the digest stands, or is to.
fn place(file: &[u8]) -> Option<usize> {
    match file.get(LENGTH..) {
        Some(header) if header.starts_with(METADATA) => Some(LENGTH + METADATA.len()),
        _ => file.starts_with(b"{").then_some(1),
    }
}

/// Changes what a safetensors file says of its header's length.
fn lengthen(file: &mut [u8], by: i64) -> Option<()> {
    let length = file.first_chunk_mut::<LENGTH>()?;
    let longer = u64::from_le_bytes(*length).checked_add_signed(by)?;
    *length = longer.to_le_bytes();
    Some(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};
    use serde_json::{Value, json};

    use super::*;

    fn files() -> [Vec<u8>; 2] {
        let numbers = [1, 2, 3, 4, 5, 6, 7, 8];
        let view = TensorView::new(Dtype::F32, vec![2], &numbers).expect("two numbers");
        let texts = HashMap::from([("seconds".to_owned(), "0.5".to_owned())]);
        let tensors = serialize([("a", view)], Some(texts)).expect("one tensor");
        let json = serde_json::to_vec_pretty(&json!({ "a": [1, 2.5], "b": null }));
        [json.expect("a record"), tensors]
    }

    fn seal() -> Seal {
        Seal::of(&json!({ "seed": 1 })).expect("settings")
    }

    #[test]
    fn marked_files_are_what_they_were() {
        let [json, tensors] = files().map(|file| {
            let marked = seal().mark("x", file.clone()).expect("a place");
            assert_eq!(seal().check("x", marked.clone()), Ok(file));
            marked
        });
        let json: Value = serde_json::from_slice(&json).expect("still JSON");
        assert_eq!(json["a"], json!([1, 2.5]));
        let tensors = SafeTensors::deserialize(&tensors).expect("still safetensors");
        let a = tensors.tensor("a").expect("still there");
        assert_eq!(a.data(), [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn no_bit_is_free() {
        for file in files() {
            let marked = seal().mark("x", file).expect("a place");
            for bit in 0..8 * marked.len() {
                let mut damaged = marked.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert!(seal().check("x", damaged).is_err(), "bit {bit}");
            }
            for length in 0..marked.len() {
                let cut = marked[..length].to_vec();
                assert!(seal().check("x", cut).is_err(), "{length} bytes");
            }
            let longer = [marked.as_slice(), b"\n"].concat();
            assert_eq!(seal().check("x", longer), Err(Broken::Differs));
        }
    }

    #[test]
    fn a_file_belongs_to_its_name_and_its_run() {
        for file in files() {
            let marked = seal().mark("points/1.json", file.clone()).expect("a place");
            let other = Seal::of(&json!({ "seed": 2 })).expect("settings");
            for (seal, name) in [
                (seal(), "points/2.json"),
                (other, "points/1.json"),
                (Seal::unbound(), "points/1.json"),
                (seal().with(b"a network"), "points/1.json"),
            ] {
                assert_eq!(seal.check(name, marked.clone()), Err(Broken::Differs));
            }
            assert_eq!(seal().check("points/1.json", file), Err(Broken::None));
        }
    }
}
