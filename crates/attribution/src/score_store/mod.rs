//! Scores of many queries on disk: appended to, and read where they lie.
//!
//! A [`ScoreStore`] is a folder. `index.json` says what the scores are of ([`ScoreIndex`]); each
//! `scores-000000.safetensors` holds the rows of some queries, is complete from the moment at which it is there, and is
//! never changed after. So a run that is stopped has what it finished, a later one adds further queries, and whoever
//! reads maps the files into memory instead of loading them.
//!
//! Any reader of safetensors has them: the tensor `scores`, `[queries, examples]`, f32 or f64 (f64 also where 32 bits
//! do not hold a file's largest), with `queries` in the metadata, a list in JSON with the `id` of each row and what else
//! is known of it, `fingerprint`, a digest of the
//! index, and `sha256`, that of the bytes of the tensor. In Python:
//!
//! ```text
//! import glob, json, safetensors
//! for name in sorted(glob.glob("scores/scores-*.safetensors")):
//!     with safetensors.safe_open(name, "numpy") as file:
//!         ids = [query["id"] for query in json.loads(file.metadata()["queries"])]
//!         scores = file.get_tensor("scores")
//! ```

mod chunk;
mod error;
mod index;
mod map;
mod store;

pub use error::ScoreStoreError;
pub use index::{ScoreFloat, ScoreIndex};
pub use store::{ScoreStore, StoredQuery};
