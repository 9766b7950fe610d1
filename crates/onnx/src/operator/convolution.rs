//! Convolutions and their transposes, along one, two or three axes.

use burn::{
    backend::{Dispatch, DispatchTensor, ops::*},
    tensor::ops::{ConvOptions, ConvTransposeOptions, PadMode},
};

use super::{
    Arguments, NodeReader, Operation,
    node::{MaybeParsed, Parsed},
    slice::pad_floats,
    window::{WindowSettings, Windows, array},
};
use crate::value::{Value, dims};

pub(super) fn parse(node: &NodeReader<'_>) -> MaybeParsed {
    Ok(Some(match node.operator() {
        "Conv" => convolution(node)?,
        "ConvTranspose" => transposed(node)?,
        _ => return Ok(None),
    }))
}

fn groups(node: &NodeReader<'_>) -> Result<usize, crate::error::OnnxProblem> {
    let groups = usize::try_from(node.int_or("group", 1)?).ok();
    let groups = groups.filter(|&groups| groups > 0);
    groups.ok_or_else(|| node.refuse("group", "must be above 0"))
}

/// The picture, the kernel, and the bias if there is one.
type Operands = (DispatchTensor, DispatchTensor, Option<DispatchTensor>);

fn operands(x: &Arguments<'_>, kernel: Option<&[usize]>) -> Result<Operands, String> {
    let (picture, weight) = (x.float(0)?, x.float(1)?);
    let (shape, found) = (dims(&picture), dims(&weight));
    if !(3..=5).contains(&shape.len()) || found.len() != shape.len() {
        return Err(format!(
            "its input has shape {shape:?} and its kernel {found:?}; both must have one to three axes besides the \
             first two"
        ));
    }
    if kernel.is_some_and(|kernel| kernel != &found[2..]) {
        return Err(format!(
            "its attribute `kernel_shape` is {kernel:?}, and its kernel {found:?}"
        ));
    }
    let bias = x.optional(2).map(|_| x.float(2)).transpose()?;
    Ok((picture, weight, bias))
}

fn convolution(node: &NodeReader<'_>) -> Parsed {
    let (settings, groups) = (WindowSettings::read(node)?, groups(node)?);
    let operation = Operation::new(move |x| {
        let (picture, weight, bias) = operands(x, settings.kernel.as_deref())?;
        let (shape, kernel) = (dims(&picture), dims(&weight));
        if kernel[1] * groups != shape[1] {
            return Err(format!(
                "its input has {} channels, and its kernel {groups} groups of {}",
                shape[1], kernel[1]
            ));
        }
        let windows = settings.over(&shape[2..], &kernel[2..])?;
        let (picture, padding) = match windows.symmetric() {
            Some(padding) => (picture, padding),
            None => (
                pad_floats(picture, &windows.around(), PadMode::Constant(0.0)),
                vec![0; kernel.len() - 2],
            ),
        };
        Ok(Value::Device(match kernel.len() {
            3 => Dispatch::conv1d(picture, weight, bias, options(&windows, &padding, groups)),
            4 => Dispatch::conv2d(picture, weight, bias, options(&windows, &padding, groups)),
            _ => Dispatch::conv3d(picture, weight, bias, options(&windows, &padding, groups)),
        }))
    });
    Ok(operation.weights(&[1, 2]))
}

fn options<const N: usize>(windows: &Windows, padding: &[usize], groups: usize) -> ConvOptions<N> {
    ConvOptions::new(
        array(&windows.strides),
        array(padding),
        array(&windows.dilations),
        groups,
    )
}

fn transposed(node: &NodeReader<'_>) -> Parsed {
    if node.text_or("auto_pad", "NOTSET")? != "NOTSET" {
        return Err(node.refuse("auto_pad", "is not supported; export with `pads`"));
    }
    let (kernel, groups) = (node.sizes("kernel_shape")?, groups(node)?);
    let (strides, dilations) = (node.sizes("strides")?, node.sizes("dilations")?);
    let (pads, more) = (node.sizes("pads")?, node.sizes("output_padding")?);
    let operation = Operation::new(move |x| {
        let (picture, weight, bias) = operands(x, kernel.as_deref())?;
        let axes = dims(&picture).len() - 2;
        let or = |given: &Option<Vec<usize>>, default: usize| {
            given.clone().unwrap_or_else(|| vec![default; axes])
        };
        let pads = pads.clone().unwrap_or_else(|| vec![0; 2 * axes]);
        let (before, after) = pads.split_at(pads.len() / 2);
        if before != after {
            return Err(format!(
                "its attribute `pads` {pads:?} differs between the sides"
            ));
        }
        let all = [
            or(&strides, 1),
            before.to_vec(),
            or(&more, 0),
            or(&dilations, 1),
        ];
        if all.iter().any(|values| values.len() != axes) {
            return Err(format!(
                "its windows have not the {axes} axes of the picture"
            ));
        }
        fn options<const N: usize>(
            [strides, padding, more, dilations]: &[Vec<usize>; 4],
            groups: usize,
        ) -> ConvTransposeOptions<N> {
            ConvTransposeOptions::new(
                array(strides),
                array(padding),
                array(more),
                array(dilations),
                groups,
            )
        }
        Ok(Value::Device(match axes {
            1 => Dispatch::conv_transpose1d(picture, weight, bias, options(&all, groups)),
            2 => Dispatch::conv_transpose2d(picture, weight, bias, options(&all, groups)),
            _ => Dispatch::conv_transpose3d(picture, weight, bias, options(&all, groups)),
        }))
    });
    Ok(operation.weights(&[1, 2]))
}
