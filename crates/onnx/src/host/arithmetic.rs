//! Arithmetic with tensors on the host.

use super::{HostData, HostTensor, broadcast, indices_of};
use crate::operator::{Binary, Compare};

impl HostTensor {
    /// Element by element, each repeated where it must be.
    pub(crate) fn binary(op: Binary, a: &Self, b: &Self) -> Result<Self, String> {
        let shape = broadcast(&[&a.shape, &b.shape])?;
        let (a, b) = (a.expand(&shape), b.expand(&shape));
        let data = match (&a.data, &b.data) {
            (HostData::Int(a), HostData::Int(b)) => {
                let pairs = a.iter().zip(b);
                HostData::Int(
                    pairs
                        .map(|(&a, &b)| op.of_ints(a, b))
                        .collect::<Result<_, _>>()?,
                )
            }
            // An exponent may be whole where its base is not.
            (a, b) => {
                let pairs = a.to_floats().into_iter().zip(b.to_floats());
                let found = HostData::Float(pairs.map(|(a, b)| op.of_floats(a, b)).collect());
                found.cast(a.kind())
            }
        };
        Ok(Self::new(shape, data))
    }

    /// Compared element by element.
    pub(crate) fn compare(op: Compare, a: &Self, b: &Self) -> Result<Self, String> {
        let shape = broadcast(&[&a.shape, &b.shape])?;
        let (a, b) = (a.expand(&shape), b.expand(&shape));
        let data = match (&a.data, &b.data) {
            (HostData::Int(a), HostData::Int(b)) => {
                a.iter().zip(b).map(|(a, b)| op.of(a, b)).collect()
            }
            (a, b) => {
                let pairs = a.to_floats().into_iter().zip(b.to_floats());
                pairs.map(|(a, b)| op.of(&a, &b)).collect()
            }
        };
        Ok(Self::new(shape, HostData::Bool(data)))
    }

    /// `a` where this is true, and `b` where not.
    pub(crate) fn choose(&self, a: &Self, b: &Self) -> Result<Self, String> {
        let shape = broadcast(&[&self.shape, &a.shape, &b.shape])?;
        let (a, b) = (a.expand(&shape), b.expand(&shape));
        let chosen = self.expand(&shape).data.to_bools();
        fn of<T: Copy>(chosen: &[bool], a: &[T], b: &[T]) -> Vec<T> {
            let all = chosen.iter().zip(a.iter().zip(b));
            all.map(|(&first, (&a, &b))| if first { a } else { b })
                .collect()
        }
        let data = match (&a.data, &b.data) {
            (HostData::Int(a), HostData::Int(b)) => HostData::Int(of(&chosen, a, b)),
            (HostData::Bool(a), HostData::Bool(b)) => HostData::Bool(of(&chosen, a, b)),
            (a, b) => HostData::Float(of(&chosen, &a.to_floats(), &b.to_floats())),
        };
        Ok(Self::new(shape, data))
    }

    /// Each number on its own, kept of its kind.
    pub(crate) fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        let data = self.data.to_floats().into_iter().map(f).collect();
        Self::new(self.shape.clone(), HostData::Float(data).cast(self.kind()))
    }

    /// What `f` makes of the numbers along `axes`, of its kind; the axes stay, with length 1.
    pub(crate) fn reduce(&self, axes: &[usize], f: impl Fn(&[f64]) -> f64) -> Self {
        let strides = super::contiguous_strides(&self.shape);
        let mut kept = self.shape.clone();
        axes.iter().for_each(|&axis| kept[axis] = 1);
        let along: Vec<usize> = axes.iter().map(|&axis| self.shape[axis]).collect();
        let along_strides: Vec<_> = axes.iter().map(|&axis| strides[axis] as isize).collect();
        let all_strides: Vec<_> = strides.iter().map(|&stride| stride as isize).collect();
        let numbers = self.data.to_floats();
        let starts = indices_of(&kept, 0, &all_strides);
        let found = starts.into_iter().map(|start| {
            let places = indices_of(&along, start as isize, &along_strides);
            let numbers: Vec<f64> = places.into_iter().map(|place| numbers[place]).collect();
            f(&numbers)
        });
        let data = HostData::Float(found.collect()).cast(self.kind());
        Self::new(kept, data)
    }
}
