//! A batch of rows as the inputs that a network reads.

use burn::{
    Tensor,
    backend::{Dispatch, Scalar, ops::*},
    tensor::{Device, FloatDType},
};

use crate::{
    error::OnnxProblem,
    port::{OnnxDim, OnnxElement, OnnxPort},
    value::{Value, reshape},
};

/// Length of a row, if the file tells, and it can be counted.
pub(crate) fn width(ports: &[OnnxPort]) -> Option<usize> {
    let mut all = 0_usize;
    for port in ports {
        if port.shape.is_empty() || !port.element.is_number() {
            return None;
        }
        all = all.checked_add(extent(port, None)?)?;
    }
    Some(all)
}

/// Numbers of one example; `free` is the length of axes that the file leaves open.
fn extent(port: &OnnxPort, free: Option<usize>) -> Option<usize> {
    let mut axes = port.shape.iter().skip(1).map(|dim| match dim {
        OnnxDim::Fixed(length) => Some(*length),
        OnnxDim::Free(_) => free,
    });
    axes.try_fold(1_usize, |all, length| all.checked_mul(length?))
}

/// The inputs that the columns of `rows`, `[batch, columns]`, are, one after the other.
pub(crate) fn columns(
    ports: &[OnnxPort],
    rows: Tensor<2>,
    float: FloatDType,
) -> Result<Vec<Value>, OnnxProblem> {
    let [batch, given] = rows.dims();
    let free = free_length(ports, given)?;
    let mut values = Vec::with_capacity(ports.len());
    let mut start = 0;
    for port in ports {
        let extent = match port.shape.is_empty() {
            // Nothing is known of it: it is all that there is.
            true => given,
            false => extent(port, free).expect("lengths were found for all axes"),
        };
        let part = match ports.len() {
            1 => rows.clone(),
            _ => rows.clone().slice([0..batch, start..start + extent]),
        };
        start += extent;
        let shape = match port.shape.is_empty() {
            true => vec![batch, given],
            false => {
                let axes = port.shape.iter().skip(1).map(|dim| match dim {
                    OnnxDim::Fixed(length) => *length,
                    OnnxDim::Free(_) => free.unwrap_or(1),
                });
                [batch].into_iter().chain(axes).collect()
            }
        };
        values.push(Value::Device(reshape(
            as_element(part, port.element, float),
            &shape,
        )));
    }
    Ok(values)
}

/// The length of the axis that the files leaves open besides the batch, so that a row has `given` numbers.
fn free_length(ports: &[OnnxPort], given: usize) -> Result<Option<usize>, OnnxProblem> {
    if let Some(port) = ports.iter().find(|port| !port.element.is_number()) {
        return Err(OnnxProblem::Inputs(format!(
            "its input {port} holds no numbers"
        )));
    }
    if ports.is_empty() {
        return Err(OnnxProblem::Inputs("its output depends on no input".into()));
    }
    let unknown = ports.iter().any(|port| port.shape.is_empty());
    if unknown && ports.len() == 1 {
        return Ok(None);
    }
    let listed = || {
        let all: Vec<_> = ports.iter().map(OnnxPort::to_string).collect();
        all.join(" and ")
    };
    let open = ports.iter().flat_map(|port| {
        let axes = port.shape.iter().skip(1);
        axes.filter_map(|dim| match dim {
            OnnxDim::Free(name) => Some(name.as_str()),
            OnnxDim::Fixed(_) => None,
        })
    });
    let open: Vec<_> = open.collect();
    let alike = open.len() == 1 || open.iter().all(|name| !name.is_empty() && *name == open[0]);
    if unknown || !alike {
        return Err(OnnxProblem::Inputs(format!(
            "a row of numbers cannot be its inputs {}, of which several axes are open; export it with fixed lengths",
            listed()
        )));
    }
    let total = |free| {
        let extents = ports.iter().map(|port| extent(port, Some(free)));
        extents.sum::<Option<usize>>()
    };
    // With a single open axis the number of columns grows with its length.
    let fits = match open.is_empty() {
        true => (total(1) == Some(given)).then_some(None),
        false => (1..=given)
            .find(|&free| total(free) >= Some(given))
            .filter(|&free| total(free) == Some(given))
            .map(Some),
    };
    fits.ok_or_else(|| {
        OnnxProblem::Inputs(format!(
            "a row of {given} numbers cannot be its inputs {}{}",
            listed(),
            match (open.is_empty(), total(1)) {
                (true, Some(wanted)) => format!(", which have {wanted}"),
                _ => String::new(),
            }
        ))
    })
}

/// Floats in the type that is computed with, or whole numbers, or truth values.
fn as_element(
    rows: Tensor<2>,
    element: OnnxElement,
    float: FloatDType,
) -> burn::backend::DispatchTensor {
    match element {
        OnnxElement::Int => rows.int().into_dispatch(),
        OnnxElement::Bool => {
            let rows = rows.into_dispatch();
            let device = Device::new(burn::backend::TensorMetadata::device(&rows));
            let dtype = device.settings().bool_dtype;
            Dispatch::float_not_equal_elem(rows, Scalar::Float(0.0), dtype)
        }
        _ => match FloatDType::from(rows.dtype()) == float {
            true => rows.into_dispatch(),
            false => Dispatch::float_cast(rows.into_dispatch(), float),
        },
    }
}
