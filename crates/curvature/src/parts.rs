//! Values that lie apart, each with its part of the examples on a device, and what is computed with all of them at
//! once.

mod parcel;
mod thread;

use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
};

use burn::tensor::{DType, Device, Tensor};

use self::thread::DeviceThread;
use crate::CurvatureError;

pub(crate) use parcel::Parcel;

/// One value for each part of the examples. Those on the first's device are computed with by the thread that asks, all
/// others by a thread for each device, which they share: no device is used by two threads at once.
pub(crate) struct Parts<T> {
    parts: Vec<Part<T>>,
    threads: Arc<[DeviceThread]>,
    home: Device,
    dtype: DType,
}

struct Part<T> {
    value: Arc<T>,
    device: Device,
    /// None for what lies at home.
    thread: Option<usize>,
    examples: Range<usize>,
}

impl<T: Send + Sync + 'static> Parts<T> {
    /// Of values with their device and number of examples each, all of one float type.
    ///
    /// # Errors
    /// [`CurvatureError::Setting`] if there is none.
    pub fn new(values: Vec<(T, Device, usize)>, dtype: DType) -> Result<Self, CurvatureError> {
        let Some((_, home, _)) = values.first() else {
            let problem = "is empty: there must be one at least";
            return Err(CurvatureError::setting("parts", problem));
        };
        let home = home.clone();
        let (mut others, mut parts, mut start) = (Vec::new(), Vec::new(), 0);
        for (value, device, examples) in values {
            let thread = (device != home).then(|| {
                let known = others.iter().position(|it| *it == device);
                known.unwrap_or_else(|| {
                    others.push(device.clone());
                    others.len() - 1
                })
            });
            let examples = start..start + examples;
            start = examples.end;
            parts.push(Part {
                value: Arc::new(value),
                device,
                thread,
                examples,
            });
        }
        let threads = others.iter().map(DeviceThread::new);
        let threads = threads.collect::<std::io::Result<Vec<_>>>();
        let threads = threads.map_err(|error| {
            CurvatureError::setting("parts", format!("has no thread for a device: {error}"))
        })?;
        Ok(Self {
            parts,
            threads: threads.into(),
            home,
            dtype,
        })
    }

    /// The same parts with what `f` makes of each value, on the same threads.
    pub fn with<U>(&self, f: impl Fn(&T) -> U) -> Parts<U> {
        let part = |part: &Part<T>| Part {
            value: Arc::new(f(&part.value)),
            device: part.device.clone(),
            thread: part.thread,
            examples: part.examples.clone(),
        };
        Parts {
            parts: self.parts.iter().map(part).collect(),
            threads: self.threads.clone(),
            home: self.home.clone(),
            dtype: self.dtype,
        }
    }

    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.parts.iter().map(|it| &*it.value)
    }

    /// Where results are put together: the first part's device.
    pub fn home(&self) -> &Device {
        &self.home
    }

    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Of all parts.
    pub fn examples(&self) -> usize {
        self.parts.last().map_or(0, |it| it.examples.end)
    }

    /// The first example of each part.
    pub fn starts(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().map(|it| it.examples.start)
    }

    /// Each part's share of the examples.
    pub fn shares(&self) -> impl Iterator<Item = f64> {
        let all = self.examples() as f64;
        self.parts
            .iter()
            .map(move |it| it.examples.len() as f64 / all)
    }

    /// The examples `indices` by the part that they are in, as it counts them; of parts that have some.
    ///
    /// # Errors
    /// [`CurvatureError::Index`].
    pub fn deal(&self, indices: &[usize]) -> Result<Vec<(usize, Vec<usize>)>, CurvatureError> {
        let mut dealt: Vec<(usize, Vec<usize>)> =
            (0..self.parts.len()).map(|at| (at, Vec::new())).collect();
        for &index in indices {
            let at = self.parts.partition_point(|it| it.examples.end <= index);
            let Some(part) = self.parts.get(at) else {
                let len = self.examples();
                return Err(CurvatureError::Index { index, len });
            };
            dealt[at].1.push(index - part.examples.start);
        }
        dealt.retain(|(_, of)| !of.is_empty());
        Ok(dealt)
    }

    /// What `f` makes of every part and `input`, in the order of the parts.
    ///
    /// # Errors
    /// The first part's that has one.
    pub fn all<I, R>(
        &self,
        input: &I,
        f: impl Fn(&T, I) -> Result<R, CurvatureError> + Send + Sync + 'static,
    ) -> Result<Vec<R>, CurvatureError>
    where
        I: Clone + Send + 'static,
        R: Send + 'static,
    {
        let inputs = (0..self.parts.len()).map(|at| (at, input.clone()));
        self.some(inputs.collect(), f)
    }

    /// What `f` makes of some parts and an input each, in the order in which they are named. All have ended when it
    /// returns, so that no device is used any more.
    ///
    /// # Errors
    /// The first part's that has one.
    pub fn some<I, R>(
        &self,
        inputs: Vec<(usize, I)>,
        f: impl Fn(&T, I) -> Result<R, CurvatureError> + Send + Sync + 'static,
    ) -> Result<Vec<R>, CurvatureError>
    where
        I: Send + 'static,
        R: Send + 'static,
    {
        let f = Arc::new(f);
        let (mut own, mut pending) = (Vec::new(), Vec::new());
        for (place, (at, input)) in inputs.into_iter().enumerate() {
            let part = &self.parts[at];
            let (value, f, start) = (part.value.clone(), f.clone(), part.examples.start);
            let work = move || f(&value, input).map_err(|error| error.counted_from(start));
            match part.thread {
                Some(thread) => pending.push((place, self.threads[thread].start(work))),
                None => own.push((place, work)),
            }
        }
        let own = own.into_iter();
        let mut done: Vec<_> = own
            .map(|(place, work)| (place, catch_unwind(AssertUnwindSafe(work))))
            .collect();
        done.extend(pending.into_iter().map(|(place, it)| (place, it.wait())));
        done.sort_by_key(|(place, _)| *place);
        // A device's failure is a panic, on whatever thread.
        let found = done.into_iter();
        found
            .map(|(_, it)| it.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    }

    /// `v`, to be opened by any part.
    ///
    /// # Errors
    /// [`CurvatureError::Dimension`] for a vector, or rows, not of `dim` numbers; [`CurvatureError::Placement`] for what
    /// is not at home; [`CurvatureError::Device`].
    pub fn parcel<const D: usize>(
        &self,
        v: Tensor<D>,
        dim: usize,
    ) -> Result<Parcel<D>, CurvatureError> {
        let v = v.without_autodiff();
        let found = v.dims()[D - 1];
        if found != dim {
            let expected = dim;
            return Err(CurvatureError::Dimension { expected, found });
        }
        if v.dtype() != self.dtype || v.device() != self.home {
            return Err(CurvatureError::Placement {
                what: "the vector".into(),
                found: format!("{:?} on {:?}", v.dtype(), v.device()),
                expected: format!("{:?} on {:?}", self.dtype, self.home),
            });
        }
        match self.threads.is_empty() {
            true => Ok(Parcel::here(v)),
            false => Parcel::anywhere(v),
        }
    }

    /// What parts have computed, one after another along `dim`.
    pub fn concatenated<const D: usize>(&self, found: Vec<Parcel<D>>, dim: usize) -> Tensor<D> {
        let found = found.into_iter().map(|it| it.open(&self.home, self.dtype));
        Tensor::cat(found.collect(), dim)
    }

    /// `sum over i of weight_i term_i`: the one place where parts are added up. It is done at home and in their order,
    /// so that its bits depend on how the examples are cut, and not on who computed which part, or when.
    pub fn reduced<const D: usize>(
        &self,
        terms: impl IntoIterator<Item = (f64, Parcel<D>)>,
    ) -> Tensor<D> {
        let mut total: Option<Tensor<D>> = None;
        for (weight, term) in terms {
            let term = term.open(&self.home, self.dtype);
            // A mean over one part is that part's.
            let term = if weight == 1.0 { term } else { term * weight };
            total = Some(match total {
                Some(total) => total + term,
                None => term,
            });
        }
        total.expect("there is one part at least")
    }
}

/// What every part has in each place, place by place.
pub(crate) fn by_place<T>(parts: Vec<Vec<T>>) -> Vec<Vec<T>> {
    let mut places: Vec<Vec<T>> = Vec::new();
    for part in parts {
        places.resize_with(part.len(), Vec::new);
        for (place, of) in places.iter_mut().zip(part) {
            place.push(of);
        }
    }
    places
}
