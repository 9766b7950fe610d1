//! One file of a store: the rows of some queries.

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors};
use serde_json::json;

use super::{ScoreFloat, ScoreStoreError, StoredQuery, map::map};
use crate::Digest;

/// What the files hold, and tell beside it.
const SCORES: &str = "scores";
const QUERIES: &str = "queries";
const FINGERPRINT: &str = "fingerprint";
const SHA256: &str = "sha256";

/// A multiple of this is where the numbers begin.
const ALIGNED: usize = 8;

/// A file that is there.
pub(super) struct Chunk {
    pub path: PathBuf,
    pub queries: Vec<StoredQuery>,
    mapped: Mmap,
    /// Where the numbers begin.
    start: usize,
    float: ScoreFloat,
    examples: usize,
    sha256: String,
}

impl Chunk {
    /// The file `path` of a store with this `fingerprint` and so many examples.
    pub fn open(
        path: PathBuf,
        fingerprint: &str,
        examples: usize,
    ) -> Result<Self, ScoreStoreError> {
        let mapped = map(&path).map_err(ScoreStoreError::file(&path, "read"))?;
        let damaged = |reason: String| ScoreStoreError::damaged(&path, reason);
        let words = |error: safetensors::SafeTensorError| damaged(error.to_string());
        let (header, metadata) = SafeTensors::read_metadata(&mapped).map_err(words)?;
        let texts = metadata.metadata().clone().unwrap_or_default();
        let text = |name: &str| {
            let found = texts.get(name).cloned();
            found.ok_or_else(|| damaged(format!("it has no `{name}`")))
        };
        if text(FINGERPRINT)? != fingerprint {
            return Err(damaged("it is of another store".into()));
        }
        let queries: Vec<StoredQuery> = serde_json::from_str(&text(QUERIES)?)
            .map_err(|error| damaged(format!("its queries: {error}")))?;
        let file = SafeTensors::deserialize(&mapped).map_err(words)?;
        let view = file.tensor(SCORES).map_err(words)?;
        let float = match view.dtype() {
            Dtype::F32 => ScoreFloat::F32,
            Dtype::F64 => ScoreFloat::F64,
            other => return Err(damaged(format!("its scores are of type {other:?}"))),
        };
        if view.shape() != [queries.len(), examples] {
            return Err(damaged(format!(
                "its scores are {:?}, of {} queries and {examples} examples",
                view.shape(),
                queries.len()
            )));
        }
        let offset = metadata.info(SCORES).map_or(0, |info| info.data_offsets.0);
        let sha256 = text(SHA256)?;
        Ok(Self {
            start: 8 + header + offset,
            queries,
            float,
            examples,
            sha256,
            mapped,
            path,
        })
    }

    /// Writes scores, `[queries, examples]`, as a file: how they lie, and the rows after it. Gives the header and the
    /// float that they are written as.
    pub fn write(
        file: impl Write,
        (queries, fingerprint): (&[StoredQuery], &str),
        (scores, examples): (&[f64], usize),
        float: ScoreFloat,
    ) -> io::Result<()> {
        let float = held(scores, float);
        let mut digest = Digest::default();
        for row in scores.chunks(examples.max(1)) {
            digest.feed(&bytes(row, float));
        }
        let size = scores.len() * size(float);
        let texts = BTreeMap::from([
            (FINGERPRINT, fingerprint.to_owned()),
            (QUERIES, serde_json::to_string(queries)?),
            (SHA256, digest.digits()),
        ]);
        let dtype = match float {
            ScoreFloat::F32 => "F32",
            ScoreFloat::F64 => "F64",
        };
        let header = json!({
            "__metadata__": texts,
            SCORES: {
                "dtype": dtype,
                "shape": [queries.len(), examples],
                "data_offsets": [0, size],
            },
        });
        let mut header = serde_json::to_vec(&header)?;
        header.resize(header.len().next_multiple_of(ALIGNED), b' ');
        let mut file = BufWriter::new(file);
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        for row in scores.chunks(examples.max(1)) {
            file.write_all(&bytes(row, float))?;
        }
        file.flush()
    }

    /// The scores of one row from example `from` on, counted from its first; both must be there.
    pub fn scores(&self, row: usize, from: usize) -> impl Iterator<Item = f64> + '_ {
        let size = size(self.float);
        let first = self.start + (row * self.examples + from) * size;
        let count = self.examples - from;
        let bytes = &self.mapped[first..first + count * size];
        bytes.chunks_exact(size).map(|bytes| match self.float {
            ScoreFloat::F32 => f64::from(f32::from_le_bytes(array(bytes))),
            ScoreFloat::F64 => f64::from_le_bytes(array(bytes)),
        })
    }

    /// Refuses a file whose numbers are not those that were written: all of it is read.
    pub fn verify(&self) -> Result<(), ScoreStoreError> {
        let count = self.queries.len() * self.examples * size(self.float);
        let found = Digest::of(&self.mapped[self.start..self.start + count]).digits();
        match found == self.sha256 {
            true => Ok(()),
            false => Err(ScoreStoreError::damaged(
                &self.path,
                "its scores have another digest than was written beside them",
            )),
        }
    }

    /// Its name in a store, the `number`th.
    pub fn name(number: usize) -> String {
        format!("{SCORES}-{number:06}.safetensors")
    }

    /// The number of a file by its name, if it is one of a store.
    pub fn number(path: &Path) -> Option<usize> {
        let name = path.file_name()?.to_str()?;
        let digits = name.strip_prefix(SCORES)?.strip_prefix('-')?;
        digits.strip_suffix(".safetensors")?.parse().ok()
    }
}

/// What they are written as: 32 bits, unless these do not hold the largest.
fn held(scores: &[f64], float: ScoreFloat) -> ScoreFloat {
    let largest = scores.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    let fits = f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX);
    match largest == 0.0 || fits.contains(&largest) {
        true => float,
        false => ScoreFloat::F64,
    }
}

fn size(float: ScoreFloat) -> usize {
    match float {
        ScoreFloat::F32 => size_of::<f32>(),
        ScoreFloat::F64 => size_of::<f64>(),
    }
}

fn bytes(row: &[f64], float: ScoreFloat) -> Vec<u8> {
    match float {
        ScoreFloat::F32 => row.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect(),
        ScoreFloat::F64 => row.iter().flat_map(|x| x.to_le_bytes()).collect(),
    }
}

/// Of as many bytes as a number has.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}
