//! A store of scores.

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ScoreIndex, ScoreStoreError, chunk::Chunk};
use crate::{Digest, TopScores, store::beside};

const INDEX: &str = "index.json";

/// A query as a store has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredQuery {
    /// What it is called; no other of the store is called the same.
    pub id: String,
    /// What else is known of it, such as how well its system was solved.
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

impl StoredQuery {
    /// Of which nothing else is known.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            details: Map::new(),
        }
    }
}

/// Scores of all training examples for many queries, in a folder; see [the module](super).
///
/// A score is the predicted change of what is measured of its query when the training example is *removed*, in the sign,
/// unit and scale that the [`ScoreIndex`] tells. Rows are in the order in which they were appended.
pub struct ScoreStore {
    path: PathBuf,
    index: ScoreIndex,
    fingerprint: String,
    chunks: Vec<Chunk>,
    /// The first row of each.
    starts: Vec<usize>,
    len: usize,
    places: HashMap<String, usize>,
}

impl ScoreStore {
    /// A new one in the folder `path`, which is made if there is none.
    ///
    /// # Errors
    /// [`ScoreStoreError::Exists`] if there is one; [`ScoreStoreError::Length`] for another number of names than of
    /// examples; [`ScoreStoreError::File`].
    pub fn create(path: impl Into<PathBuf>, index: ScoreIndex) -> Result<Self, ScoreStoreError> {
        let path = path.into();
        if let Some(ids) = index
            .example_ids
            .as_ref()
            .filter(|ids| ids.len() != index.examples)
        {
            return Err(ScoreStoreError::Length {
                queries: 1,
                examples: index.examples,
                found: ids.len(),
            });
        }
        fs::create_dir_all(&path).map_err(ScoreStoreError::file(&path, "made"))?;
        let file = path.join(INDEX);
        let json = written(&index, &path)?;
        let write = || -> std::io::Result<()> {
            let beside = beside(&path)?;
            fs::write(beside.path(), &json)?;
            beside.as_file().sync_all()?;
            beside
                .persist_noclobber(&file)
                .map_err(|refused| refused.error)?;
            Ok(())
        };
        match write() {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(ScoreStoreError::Exists { path });
            }
            done => done.map_err(ScoreStoreError::file(&file, "written"))?,
        }
        Self::empty(path, &json)
    }

    /// The one in the folder `path`, whose files are mapped into memory and looked at: that they are whole, of this
    /// store and of its examples. Their numbers are not read; [`verify`](Self::verify) does.
    ///
    /// # Errors
    /// [`ScoreStoreError::NotAStore`], [`ScoreStoreError::Damaged`], [`ScoreStoreError::File`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, ScoreStoreError> {
        let path = path.into();
        let file = path.join(INDEX);
        let json = match fs::read(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(ScoreStoreError::NotAStore {
                    reason: format!("there is no {INDEX} in it"),
                    path,
                });
            }
            read => read.map_err(ScoreStoreError::file(&file, "read"))?,
        };
        let mut store = Self::empty(path, &json)?;
        for (_, path) in store.files()? {
            store.add(Chunk::open(path, &store.fingerprint, store.index.examples)?);
        }
        Ok(store)
    }

    /// The one in the folder `path`, or a new one where there is none.
    ///
    /// # Errors
    /// [`ScoreStoreError::Other`] if there is one of another index, naming what differs first; as
    /// [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create(
        path: impl Into<PathBuf>,
        index: ScoreIndex,
    ) -> Result<Self, ScoreStoreError> {
        let path = path.into();
        if !path.join(INDEX).exists() {
            return Self::create(path, index);
        }
        let store = Self::open(path)?;
        let asked = ScoreIndex::from_json(&written(&index, &store.path)?, &store.path)?;
        store.index.check(&asked, &store.path)?;
        Ok(store)
    }

    /// With the index as its file has it, of which every file of scores bears the digest.
    fn empty(path: PathBuf, json: &[u8]) -> Result<Self, ScoreStoreError> {
        Ok(Self {
            index: ScoreIndex::from_json(json, &path)?,
            fingerprint: Digest::of(json).name(),
            path,
            chunks: Vec::new(),
            starts: Vec::new(),
            len: 0,
            places: HashMap::new(),
        })
    }

    /// The files by number.
    fn files(&self) -> Result<Vec<(usize, PathBuf)>, ScoreStoreError> {
        let refused = |error| ScoreStoreError::file(&self.path, "read")(error);
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(refused)? {
            let path = entry.map_err(refused)?.path();
            files.extend(Chunk::number(&path).map(|number| (number, path)));
        }
        files.sort();
        Ok(files)
    }

    /// Of a query that two processes appended at once the first counts.
    fn add(&mut self, chunk: Chunk) {
        for (row, query) in chunk.queries.iter().enumerate() {
            let place = self.len + row;
            self.places.entry(query.id.clone()).or_insert(place);
        }
        self.starts.push(self.len);
        self.len += chunk.queries.len();
        self.chunks.push(chunk);
    }

    /// Appends the scores of some queries, `[queries, examples]` row by row, as a file of its own, which is there whole
    /// or not at all.
    ///
    /// # Errors
    /// [`ScoreStoreError::Length`]; [`ScoreStoreError::NotFinite`] for a score that is NaN or infinite;
    /// [`ScoreStoreError::Twice`]; [`ScoreStoreError::File`]. What was there is untouched then.
    pub fn append(
        &mut self,
        queries: &[StoredQuery],
        scores: &[f64],
    ) -> Result<(), ScoreStoreError> {
        self.check(queries, scores)?;
        if queries.is_empty() {
            return Ok(());
        }
        let refused = |error| ScoreStoreError::file(&self.path, "written to")(error);
        let file = beside(&self.path).map_err(refused)?;
        let of = (queries, &*self.fingerprint);
        Chunk::write(
            file.as_file(),
            of,
            (scores, self.index.examples),
            self.index.float,
        )
        .map_err(refused)?;
        file.as_file().sync_all().map_err(refused)?;
        let mut file = file;
        let path = loop {
            // Another process may have taken the number.
            let last = self.files()?.last().map(|it| it.0);
            let number = last.map_or(0, |last| last + 1);
            let path = self.path.join(Chunk::name(number));
            match file.persist_noclobber(&path) {
                Ok(_) => break path,
                Err(error) if error.error.kind() == ErrorKind::AlreadyExists => file = error.file,
                Err(error) => return Err(refused(error.error)),
            }
        };
        self.add(Chunk::open(path, &self.fingerprint, self.index.examples)?);
        Ok(())
    }

    fn check(&self, queries: &[StoredQuery], scores: &[f64]) -> Result<(), ScoreStoreError> {
        let examples = self.index.examples;
        if scores.len() != queries.len() * examples {
            return Err(ScoreStoreError::Length {
                queries: queries.len(),
                examples,
                found: scores.len(),
            });
        }
        let mut seen = HashSet::new();
        for StoredQuery { id, .. } in queries {
            if self.places.contains_key(id) || !seen.insert(id) {
                let query = id.clone();
                return Err(ScoreStoreError::Twice { query });
            }
        }
        match scores.iter().position(|score| !score.is_finite()) {
            Some(at) => Err(ScoreStoreError::NotFinite {
                query: queries[at / examples].id.clone(),
                example: at % examples,
            }),
            None => Ok(()),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the scores are of.
    pub fn index(&self) -> &ScoreIndex {
        &self.index
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The queries, one a row.
    pub fn queries(&self) -> impl Iterator<Item = &StoredQuery> {
        self.chunks.iter().flat_map(|chunk| &chunk.queries)
    }

    /// The row of a query, if there is one.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The query of a row.
    ///
    /// # Errors
    /// [`ScoreStoreError::NoSuchRow`].
    pub fn query(&self, row: usize) -> Result<&StoredQuery, ScoreStoreError> {
        let (chunk, row) = self.locate(row)?;
        Ok(&chunk.queries[row])
    }

    fn locate(&self, row: usize) -> Result<(&Chunk, usize), ScoreStoreError> {
        if row >= self.len {
            let len = self.len;
            return Err(ScoreStoreError::NoSuchRow { row, len });
        }
        let chunk = self.starts.partition_point(|start| *start <= row) - 1;
        Ok((&self.chunks[chunk], row - self.starts[chunk]))
    }

    /// The scores of all training examples for the query of a row, in their order, as they are looked at.
    ///
    /// # Errors
    /// [`ScoreStoreError::NoSuchRow`].
    pub fn row(&self, row: usize) -> Result<impl Iterator<Item = f64> + '_, ScoreStoreError> {
        let (chunk, row) = self.locate(row)?;
        Ok(chunk.scores(row, 0))
    }

    /// The scores of one training example for all queries, row by row.
    ///
    /// # Errors
    /// [`ScoreStoreError::NoSuchExample`].
    pub fn column(
        &self,
        example: usize,
    ) -> Result<impl Iterator<Item = f64> + '_, ScoreStoreError> {
        let len = self.index.examples;
        if example >= len {
            return Err(ScoreStoreError::NoSuchExample { example, len });
        }
        let of = move |chunk: &'_ Chunk, row| chunk.scores(row, example).next().unwrap_or(f64::NAN);
        let rows = self.chunks.iter();
        Ok(rows.flat_map(move |chunk| (0..chunk.queries.len()).map(move |row| of(chunk, row))))
    }

    /// The `count` training examples with the most positive scores of a row, the highest first, and with the most
    /// negative, the lowest first: [`strongest`](crate::strongest), without holding the row.
    ///
    /// # Errors
    /// [`ScoreStoreError::NoSuchRow`].
    #[allow(clippy::type_complexity)]
    pub fn strongest(
        &self,
        row: usize,
        count: usize,
    ) -> Result<[Vec<(usize, f64)>; 2], ScoreStoreError> {
        let mut top = TopScores::new(count);
        top.extend(self.row(row)?.enumerate());
        Ok(top.into_sides())
    }

    /// The rows of the `count` queries for which a training example has the most positive scores, and of those for which
    /// it has the most negative, in the same way.
    ///
    /// # Errors
    /// [`ScoreStoreError::NoSuchExample`].
    #[allow(clippy::type_complexity)]
    pub fn strongest_queries(
        &self,
        example: usize,
        count: usize,
    ) -> Result<[Vec<(usize, f64)>; 2], ScoreStoreError> {
        let mut top = TopScores::new(count);
        top.extend(self.column(example)?.enumerate());
        Ok(top.into_sides())
    }

    /// Holds the numbers of every file that has one of these rows against the digest that was written beside them: all
    /// of these files are read.
    ///
    /// # Errors
    /// [`ScoreStoreError::Damaged`]; [`ScoreStoreError::NoSuchRow`].
    pub fn verify(&self, rows: impl IntoIterator<Item = usize>) -> Result<(), ScoreStoreError> {
        let mut verified = HashSet::new();
        for row in rows {
            let (chunk, _) = self.locate(row)?;
            if verified.insert(chunk.path.clone()) {
                chunk.verify()?;
            }
        }
        Ok(())
    }
}

/// The index as its file has it.
fn written(index: &ScoreIndex, folder: &Path) -> Result<Vec<u8>, ScoreStoreError> {
    index.to_json().map_err(|error| ScoreStoreError::NotAStore {
        path: folder.to_path_buf(),
        reason: error.to_string(),
    })
}
