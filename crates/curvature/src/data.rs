//! The examples of a cost: held on the device, or read anew in every pass.

use std::{error::Error, sync::Arc};

use burn::tensor::Device;

use crate::{CurvatureError, Examples, Rows};

/// A batch: the tensors of the inputs, then those of the targets.
pub(crate) type Batch = Vec<Rows>;
pub(crate) type Batches<'a> = Box<dyn Iterator<Item = Result<Batch, CurvatureError>> + 'a>;

#[derive(Clone)]
pub(crate) enum Data {
    /// All examples.
    Held(Batch),
    /// A function that starts a pass over `len` examples.
    Streamed {
        len: usize,
        pass: Arc<dyn Fn() -> Batches<'static> + Send + Sync>,
    },
}

impl Data {
    pub(crate) fn held(inputs: Vec<Rows>, targets: Vec<Rows>) -> Result<Self, CurvatureError> {
        let batch = [inputs, targets].concat();
        let inputs = batch[0].len();
        match batch
            .iter()
            .find(|rows| rows.len() != inputs || inputs == 0)
        {
            Some(rows) => Err(CurvatureError::Examples {
                inputs,
                targets: rows.len(),
            }),
            None => Ok(Self::Held(batch)),
        }
    }

    pub(crate) fn streamed<X, T, I, E>(
        len: usize,
        pass: impl Fn() -> I + Send + Sync + 'static,
    ) -> Result<Self, CurvatureError>
    where
        X: Examples,
        T: Examples,
        I: Iterator<Item = Result<(X, T), E>> + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        if len == 0 {
            return Err(CurvatureError::Examples {
                inputs: 0,
                targets: 0,
            });
        }
        let pass = move || -> Batches<'static> {
            let batches = pass().map(|batch| {
                let (inputs, targets) =
                    batch.map_err(|error| CurvatureError::Read(error.into()))?;
                match Self::held(inputs.into_rows(), targets.into_rows())? {
                    Self::Held(batch) => Ok(batch),
                    Self::Streamed { .. } => unreachable!("these are held"),
                }
            });
            Box::new(Counted::new(batches, len))
        };
        Ok(Self::Streamed {
            len,
            pass: Arc::new(pass),
        })
    }

    /// Number of examples.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Held(batch) => batch[0].len(),
            Self::Streamed { len, .. } => *len,
        }
    }

    /// One pass; held examples in batches of `size`, the last may be shorter.
    pub(crate) fn batches(&self, size: usize) -> Batches<'_> {
        match self {
            Self::Held(all) => {
                let n = self.len();
                Box::new((0..n).step_by(size).map(move |start| {
                    let range = start..n.min(start + size);
                    Ok(all.iter().map(|rows| rows.slice(range.clone())).collect())
                }))
            }
            Self::Streamed { pass, .. } => pass(),
        }
    }

    /// The examples `indices`; read in one pass if they are not held.
    pub(crate) fn select(&self, indices: &[usize]) -> Result<Self, CurvatureError> {
        let len = self.len();
        if let Some(&index) = indices.iter().find(|&&index| index >= len) {
            return Err(CurvatureError::Index { index, len });
        }
        if indices.is_empty() {
            return Err(CurvatureError::Examples {
                inputs: 0,
                targets: 0,
            });
        }
        let Self::Streamed { .. } = self else {
            return Ok(Self::Held(self.whole(|batch| select(batch, indices))?));
        };
        // In the order in which they are read, then in the order asked for.
        let mut order: Vec<usize> = (0..indices.len()).collect();
        order.sort_by_key(|&position| indices[position]);
        let (mut start, mut read) = (0, 0);
        let mut parts = Vec::new();
        for batch in self.batches(len) {
            let batch = batch?;
            let end = start + batch[0].len();
            let wanted = order[read..].iter().map(|&position| indices[position]);
            let here: Vec<_> = wanted
                .take_while(|&index| index < end)
                .map(|index| index - start)
                .collect();
            if !here.is_empty() {
                parts.push(select(&batch, &here));
                read += here.len();
            }
            if read == order.len() {
                break;
            }
            start = end;
        }
        let mut back = vec![0; order.len()];
        for (read, &asked) in order.iter().enumerate() {
            back[asked] = read;
        }
        Ok(Self::Held(select(&joined(parts), &back)))
    }

    /// The same examples on another device: copies of held ones, and the batches of a stream as they come.
    pub(crate) fn to_device(&self, device: &Device) -> Result<Self, CurvatureError> {
        Ok(match self {
            Self::Held(batch) => Self::Held(moved(batch, device)?),
            Self::Streamed { len, pass } => {
                let (pass, device) = (pass.clone(), device.clone());
                let pass = move || -> Batches<'static> {
                    let device = device.clone();
                    Box::new(pass().map(move |batch| moved(&batch?, &device)))
                };
                Self::Streamed {
                    len: *len,
                    pass: Arc::new(pass),
                }
            }
        })
    }

    /// The inputs, of `arity` tensors.
    pub(crate) fn inputs(&self, arity: usize) -> Result<Batch, CurvatureError> {
        self.whole(|batch| batch[..arity].to_vec())
    }

    /// The targets, whose tensors follow `arity` tensors of inputs.
    pub(crate) fn targets(&self, arity: usize) -> Result<Batch, CurvatureError> {
        self.whole(|batch| batch[arity..].to_vec())
    }

    /// The same inputs, of `arity` tensors, with other targets.
    pub(crate) fn with_targets(
        &self,
        arity: usize,
        targets: Vec<Rows>,
    ) -> Result<Self, CurvatureError> {
        let inputs = self.len();
        if let Some(rows) = targets.iter().find(|rows| rows.len() != inputs) {
            return Err(CurvatureError::Examples {
                inputs,
                targets: rows.len(),
            });
        }
        Ok(match self {
            Self::Held(batch) => Self::Held([&batch[..arity], &targets].concat()),
            Self::Streamed { len, pass } => {
                let pass = pass.clone();
                let pass = move || -> Batches<'static> {
                    let (targets, mut start) = (targets.clone(), 0);
                    Box::new(pass().map(move |batch| {
                        let mut batch = batch?;
                        let range = start..start + batch[0].len();
                        start = range.end;
                        batch.truncate(arity);
                        batch.extend(targets.iter().map(|rows| rows.slice(range.clone())));
                        Ok(batch)
                    }))
                };
                Self::Streamed {
                    len: *len,
                    pass: Arc::new(pass),
                }
            }
        })
    }

    /// What `part` takes of each batch, as one.
    fn whole(&self, part: impl Fn(&Batch) -> Batch) -> Result<Batch, CurvatureError> {
        let parts = self.batches(self.len()).map(|batch| Ok(part(&batch?)));
        Ok(joined(parts.collect::<Result<_, CurvatureError>>()?))
    }
}

fn select(batch: &Batch, indices: &[usize]) -> Batch {
    batch.iter().map(|rows| rows.select(indices)).collect()
}

fn moved(batch: &Batch, device: &Device) -> Result<Batch, CurvatureError> {
    batch.iter().map(|rows| rows.to_device(device)).collect()
}

/// Batches one after another.
fn joined(parts: Vec<Batch>) -> Batch {
    (0..parts.first().map_or(0, Vec::len))
        .map(|i| Rows::cat(parts.iter().map(|part| part[i].clone()).collect()))
        .collect()
}

/// A pass that must hold the number of examples promised.
struct Counted<I> {
    batches: Option<I>,
    expected: usize,
    found: usize,
}

impl<I> Counted<I> {
    fn new(batches: I, expected: usize) -> Self {
        Self {
            batches: Some(batches),
            expected,
            found: 0,
        }
    }
}

impl<I: Iterator<Item = Result<Batch, CurvatureError>>> Iterator for Counted<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let next = self.batches.as_mut()?.next();
        if let Some(Ok(batch)) = &next {
            self.found += batch[0].len();
        }
        let (expected, found) = (self.expected, self.found);
        if found > expected || (next.is_none() && found < expected) {
            self.batches = None;
            return Some(Err(CurvatureError::Count { expected, found }));
        }
        next
    }
}
