//! Tensors on the host: constants, shapes, and what is computed of them, whatever the batch. The engine never sees how.

mod arithmetic;
mod layout;

pub(crate) use layout::{broadcast, contiguous_strides, indices_of};

use std::sync::Arc;

/// A tensor on the host, row-major. Floating-point numbers are in 64 bits, whatever the network computes in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HostTensor {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: HostData,
}

/// Its elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum HostData {
    Float(Vec<f64>),
    Int(Vec<i64>),
    Bool(Vec<bool>),
}

/// What kind of elements a tensor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Float,
    Int,
    Bool,
}

impl HostData {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Float(data) => data.len(),
            Self::Int(data) => data.len(),
            Self::Bool(data) => data.len(),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Float(_) => Kind::Float,
            Self::Int(_) => Kind::Int,
            Self::Bool(_) => Kind::Bool,
        }
    }

    /// The elements at `places`, in their order.
    pub(crate) fn pick(&self, places: &[usize]) -> Self {
        fn of<T: Copy>(data: &[T], places: &[usize]) -> Vec<T> {
            places.iter().map(|&place| data[place]).collect()
        }
        match self {
            Self::Float(data) => Self::Float(of(data, places)),
            Self::Int(data) => Self::Int(of(data, places)),
            Self::Bool(data) => Self::Bool(of(data, places)),
        }
    }

    /// The same as numbers.
    pub(crate) fn to_floats(&self) -> Vec<f64> {
        match self {
            Self::Float(data) => data.clone(),
            Self::Int(data) => data.iter().map(|&n| n as f64).collect(),
            Self::Bool(data) => data.iter().map(|&b| f64::from(u8::from(b))).collect(),
        }
    }

    /// The same as whole numbers, without what stands behind the point.
    pub(crate) fn to_ints(&self) -> Vec<i64> {
        match self {
            Self::Float(data) => data.iter().map(|&x| x as i64).collect(),
            Self::Int(data) => data.clone(),
            Self::Bool(data) => data.iter().map(|&b| i64::from(b)).collect(),
        }
    }

    /// Which are not 0.
    pub(crate) fn to_bools(&self) -> Vec<bool> {
        match self {
            Self::Float(data) => data.iter().map(|&x| x != 0.0).collect(),
            Self::Int(data) => data.iter().map(|&n| n != 0).collect(),
            Self::Bool(data) => data.clone(),
        }
    }

    /// The same as another kind.
    pub(crate) fn cast(&self, kind: Kind) -> Self {
        match kind {
            Kind::Float => Self::Float(self.to_floats()),
            Kind::Int => Self::Int(self.to_ints()),
            Kind::Bool => Self::Bool(self.to_bools()),
        }
    }
}

impl HostTensor {
    /// Numbers of any kind with `shape`, of which there must be as many.
    pub(crate) fn new(shape: Vec<usize>, data: HostData) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), data.len());
        Self { shape, data }
    }

    /// A list of whole numbers.
    pub(crate) fn ints(values: Vec<i64>) -> Self {
        Self::new(vec![values.len()], HostData::Int(values))
    }

    pub(crate) fn kind(&self) -> Kind {
        self.data.kind()
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.data.len()
    }

    /// The one number that it holds, if it is one.
    pub(crate) fn single(&self) -> Option<f64> {
        match self.len() {
            1 => Some(self.data.to_floats()[0]),
            _ => None,
        }
    }

    /// The same elements in another shape.
    pub(crate) fn reshape(self: Arc<Self>, shape: Vec<usize>) -> Self {
        let data = Arc::unwrap_or_clone(self).data;
        Self::new(shape, data)
    }
}
