//! The greatest or the mean number of each window, or of a whole picture.

use burn::{
    backend::{Dispatch, DispatchTensor, Scalar, ops::*},
    tensor::ops::PadMode,
};

use super::{
    NodeReader, Operation,
    node::{MaybeParsed, Parsed},
    reduce::{Reduction, reduce},
    slice::pad_floats,
    window::{WindowSettings, Windows, array},
};
use crate::{
    host::{HostData, HostTensor},
    value::{Place, Value, dims},
};

pub(super) fn parse(node: &NodeReader<'_>) -> MaybeParsed {
    Ok(Some(match node.operator() {
        "MaxPool" => max_pool(node)?,
        "AveragePool" => average_pool(node)?,
        "GlobalAveragePool" => whole(Reduction::Mean),
        "GlobalMaxPool" => whole(Reduction::Max),
        _ => return Ok(None),
    }))
}

/// Over all of a picture's axes.
fn whole(reduction: Reduction) -> Operation {
    Operation::new(move |x| {
        let value = x.value(0)?;
        let axes: Vec<usize> = (2..value.shape().len()).collect();
        reduce(reduction, value, &axes, true)
    })
}

fn settings(
    node: &NodeReader<'_>,
) -> Result<(WindowSettings, Vec<usize>), crate::error::OnnxProblem> {
    let settings = WindowSettings::read(node)?;
    let kernel = settings.kernel.clone();
    let kernel = kernel.ok_or_else(|| node.refuse("kernel_shape", "is missing"))?;
    match kernel.len() {
        1 | 2 => Ok((settings, kernel)),
        axes => Err(node.refuse(
            "kernel_shape",
            format!("has {axes} axes; one or two are supported"),
        )),
    }
}

fn picture_lengths(shape: &[usize], kernel: &[usize]) -> Result<Vec<usize>, String> {
    match shape.len() == kernel.len() + 2 {
        true => Ok(shape[2..].to_vec()),
        false => Err(format!(
            "its input has shape {shape:?}, and its windows {kernel:?}"
        )),
    }
}

fn max_pool(node: &NodeReader<'_>) -> Parsed {
    let (settings, kernel) = settings(node)?;
    if node.int_or("storage_order", 0)? != 0 {
        return Err(node.refuse("storage_order", "is not supported unless it is 0"));
    }
    Ok(Operation::new(move |x| {
        let picture = x.float(0)?;
        let windows = settings.over(&picture_lengths(&dims(&picture), &kernel)?, &kernel)?;
        let (picture, padding) = match windows.symmetric() {
            Some(padding) => (picture, padding),
            None => (
                pad_floats(
                    picture,
                    &windows.around(),
                    PadMode::Constant(f32::NEG_INFINITY),
                ),
                vec![0; kernel.len()],
            ),
        };
        Ok(Value::Device(match kernel[..] {
            [side] => Dispatch::max_pool1d(
                picture,
                side,
                windows.strides[0],
                padding[0],
                windows.dilations[0],
                false,
            ),
            _ => Dispatch::max_pool2d(
                picture,
                array(&kernel),
                array(&windows.strides),
                array(&padding),
                array(&windows.dilations),
                false,
            ),
        }))
    }))
}

fn average_pool(node: &NodeReader<'_>) -> Parsed {
    let (settings, kernel) = settings(node)?;
    let with_padding = node.flag("count_include_pad", false)?;
    let far = node.sizes("dilations")?;
    if far.is_some_and(|all| all.into_iter().any(|dilation| dilation != 1)) {
        return Err(node.refuse("dilations", "is not supported unless it is 1"));
    }
    Ok(Operation::new(move |x| {
        let picture = x.float(0)?;
        let lengths = picture_lengths(&dims(&picture), &kernel)?;
        let windows = settings.over(&lengths, &kernel)?;
        if let Some(padding) = windows.symmetric() {
            return Ok(Value::Device(mean(
                picture,
                &windows,
                &padding,
                with_padding,
            )));
        }
        let around = windows.around();
        let padded = pad_floats(picture, &around, PadMode::Constant(0.0));
        let mean = mean(padded, &windows, &vec![0; kernel.len()], true);
        let correction = correction(&windows, &lengths, with_padding);
        Ok(Value::Device(times(mean, &correction, x.place)))
    }))
}

fn mean(
    picture: DispatchTensor,
    windows: &Windows,
    padding: &[usize],
    with_padding: bool,
) -> DispatchTensor {
    match windows.kernel[..] {
        [side] => Dispatch::avg_pool1d(
            picture,
            side,
            windows.strides[0],
            padding[0],
            with_padding,
            false,
        ),
        _ => Dispatch::avg_pool2d(
            picture,
            array(&windows.kernel),
            array(&windows.strides),
            array(padding),
            with_padding,
            false,
        ),
    }
}

/// For each window, its size over the number of places that count in it: those of the picture and, `with_padding`, of
/// what is put around it, but not what a window that stands out reaches beyond that.
fn correction(windows: &Windows, lengths: &[usize], with_padding: bool) -> HostTensor {
    let factors = lengths.iter().enumerate().map(|(axis, &length)| {
        let (before, after) = windows.sides[axis];
        let counted = match with_padding {
            true => 0..before + length + after,
            false => before..before + length,
        };
        let side = windows.kernel[axis];
        let places = (0..windows.count[axis]).map(|n| {
            let start = n * windows.strides[axis];
            let end = (start + side).min(counted.end);
            side as f64 / end.saturating_sub(start.max(counted.start)) as f64
        });
        places.collect::<Vec<_>>()
    });
    let factors: Vec<_> = factors.collect();
    let mut shape = vec![1, 1];
    shape.extend(&windows.count);
    let mut all = vec![1.0];
    for axis in &factors {
        let products = all
            .iter()
            .flat_map(|so_far| axis.iter().map(move |factor| so_far * factor));
        all = products.collect();
    }
    HostTensor::new(shape, HostData::Float(all))
}

fn times(tensor: DispatchTensor, factor: &HostTensor, place: &Place) -> DispatchTensor {
    match factor.single() {
        Some(factor) => Dispatch::float_mul_scalar(tensor, Scalar::Float(factor)),
        None => Dispatch::float_mul(tensor, place.upload(factor)),
    }
}
