//! Where the elements of a tensor lie, and moving them.

use super::{HostData, HostTensor};

/// The shape that tensors of `shapes` have together, each repeated along the axes where it has length 1 or none.
pub(crate) fn broadcast(shapes: &[&[usize]]) -> Result<Vec<usize>, String> {
    let rank = shapes.iter().map(|shape| shape.len()).max().unwrap_or(0);
    let mut all = vec![1; rank];
    for shape in shapes {
        let skipped = rank - shape.len();
        for (length, &found) in all[skipped..].iter_mut().zip(*shape) {
            match (*length, found) {
                (_, 1) => (),
                (1, found) => *length = found,
                (length, found) if length == found => (),
                _ => return Err(format!("shapes {shapes:?} do not fit each other")),
            }
        }
    }
    Ok(all)
}

/// How far apart neighbours along each axis lie.
pub(crate) fn contiguous_strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// Where the elements of a tensor of `shape` lie, in their order, that begins at `start` and has `strides`, which may
/// be 0 or negative.
pub(crate) fn indices_of(shape: &[usize], start: isize, strides: &[isize]) -> Vec<usize> {
    let mut places = Vec::with_capacity(shape.iter().product());
    let mut at = vec![0; shape.len()];
    if shape.contains(&0) {
        return places;
    }
    loop {
        let steps = at.iter().zip(strides);
        let place = start + steps.map(|(&n, &step)| n as isize * step).sum::<isize>();
        places.push(place as usize);
        // The last axis moves first.
        let Some(axis) = (0..shape.len())
            .rev()
            .find(|&axis| at[axis] + 1 < shape[axis])
        else {
            return places;
        };
        at[axis] += 1;
        at[axis + 1..].fill(0);
    }
}

fn signed(strides: Vec<usize>) -> Vec<isize> {
    strides.into_iter().map(|stride| stride as isize).collect()
}

impl HostTensor {
    fn view(&self, shape: Vec<usize>, start: isize, strides: &[isize]) -> Self {
        let places = indices_of(&shape, start, strides);
        Self::new(shape, self.data.pick(&places))
    }

    /// Repeated to `shape`, which it must fit.
    pub(crate) fn expand(&self, shape: &[usize]) -> Self {
        if self.shape == shape {
            return self.clone();
        }
        let skipped = shape.len() - self.shape.len();
        let mut strides = vec![0; skipped];
        let own = self.shape.iter().zip(contiguous_strides(&self.shape));
        strides.extend(own.map(|(&length, stride)| match length {
            1 => 0,
            _ => stride as isize,
        }));
        self.view(shape.to_vec(), 0, &strides)
    }

    /// With its axes in another order.
    pub(crate) fn permute(&self, axes: &[usize]) -> Self {
        let strides = contiguous_strides(&self.shape);
        let shape = axes.iter().map(|&axis| self.shape[axis]).collect();
        let strides: Vec<_> = axes.iter().map(|&axis| strides[axis] as isize).collect();
        self.view(shape, 0, &strides)
    }

    /// Along `axis`, `length` elements from `start` on, every `step`th.
    pub(crate) fn slice(&self, axis: usize, start: usize, length: usize, step: isize) -> Self {
        let mut strides = signed(contiguous_strides(&self.shape));
        let begin = start as isize * strides[axis];
        strides[axis] *= step;
        let mut shape = self.shape.clone();
        shape[axis] = length;
        self.view(shape, begin, &strides)
    }

    /// Along `axis`, the entries at `indices`, in their order.
    pub(crate) fn select(&self, axis: usize, indices: &[usize]) -> Self {
        let inner: usize = self.shape[axis + 1..].iter().product();
        let outer: usize = self.shape[..axis].iter().product();
        let mut places = Vec::with_capacity(outer * indices.len() * inner);
        for block in 0..outer {
            for index in indices {
                let start = (block * self.shape[axis] + index) * inner;
                places.extend(start..start + inner);
            }
        }
        let mut shape = self.shape.clone();
        shape[axis] = indices.len();
        Self::new(shape, self.data.pick(&places))
    }

    /// One after the other along `axis`; all of one kind.
    pub(crate) fn concat(parts: &[&Self], axis: usize) -> Result<Self, String> {
        let mut shape = parts[0].shape.clone();
        shape[axis] = parts.iter().map(|part| part.shape[axis]).sum();
        let outer: usize = shape[..axis].iter().product();
        let mut data = match &parts[0].data {
            HostData::Float(_) => HostData::Float(Vec::new()),
            HostData::Int(_) => HostData::Int(Vec::new()),
            HostData::Bool(_) => HostData::Bool(Vec::new()),
        };
        for block in 0..outer {
            for part in parts {
                let width = part.len() / outer;
                let range = block * width..(block + 1) * width;
                match (&mut data, &part.data) {
                    (HostData::Float(all), HostData::Float(more)) => all.extend(&more[range]),
                    (HostData::Int(all), HostData::Int(more)) => all.extend(&more[range]),
                    (HostData::Bool(all), HostData::Bool(more)) => all.extend(&more[range]),
                    _ => return Err("its inputs are of different kinds".into()),
                }
            }
        }
        Ok(Self::new(shape, data))
    }
}
