//! Windows that slide over pictures: their sides, steps and what is put around the picture.

use super::NodeReader;
use crate::error::OnnxProblem;

/// The windows of a convolution or a pool, as a node says.
#[derive(Clone, Debug)]
pub(super) struct WindowSettings {
    pub(super) kernel: Option<Vec<usize>>,
    strides: Option<Vec<usize>>,
    dilations: Option<Vec<usize>>,
    pads: Option<Vec<usize>>,
    automatic: Automatic,
    /// Whether a window may stand out at the end.
    ceil: bool,
}

/// How much is put around, if the node leaves it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Automatic {
    /// What `pads` says.
    No,
    /// Nothing.
    Valid,
    /// So much that there are as many windows as steps; what is left over at the end, or at the beginning.
    Same { at_end: bool },
}

/// The windows over a picture of a certain size, one entry an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    pub(super) kernel: Vec<usize>,
    pub(super) strides: Vec<usize>,
    pub(super) dilations: Vec<usize>,
    /// What is put before and after the picture.
    pub(super) sides: Vec<(usize, usize)>,
    /// What is needed after the picture for the last window, which may be more or less.
    pub(super) reach: Vec<usize>,
    /// Number of windows.
    pub(super) count: Vec<usize>,
}

impl WindowSettings {
    pub(super) fn read(node: &NodeReader<'_>) -> Result<Self, OnnxProblem> {
        let automatic = match node.text_or("auto_pad", "NOTSET")? {
            "NOTSET" | "" => Automatic::No,
            "VALID" => Automatic::Valid,
            "SAME_UPPER" => Automatic::Same { at_end: true },
            "SAME_LOWER" => Automatic::Same { at_end: false },
            other => {
                return Err(
                    node.refuse("auto_pad", format!("is `{other}`, which is not supported"))
                );
            }
        };
        let settings = Self {
            kernel: node.sizes("kernel_shape")?,
            strides: node.sizes("strides")?,
            dilations: node.sizes("dilations")?,
            pads: node.sizes("pads")?,
            automatic,
            ceil: node.flag("ceil_mode", false)?,
        };
        for (name, values) in [
            ("kernel_shape", &settings.kernel),
            ("strides", &settings.strides),
            ("dilations", &settings.dilations),
        ] {
            if values.iter().flatten().any(|&value| value == 0) {
                return Err(node.refuse(name, "must be above 0"));
            }
        }
        Ok(settings)
    }

    /// The windows over a picture of `lengths`, with a kernel of `kernel`.
    pub(super) fn over(&self, lengths: &[usize], kernel: &[usize]) -> Result<Windows, String> {
        let axes = lengths.len();
        let ones = || vec![1; axes];
        let strides = self.strides.clone().unwrap_or_else(ones);
        let dilations = self.dilations.clone().unwrap_or_else(ones);
        let pads = self.pads.clone().unwrap_or_else(|| vec![0; 2 * axes]);
        if [kernel.len(), strides.len(), dilations.len()] != [axes; 3] || pads.len() != 2 * axes {
            return Err(format!(
                "its windows have not the {axes} axes of the picture"
            ));
        }
        let mut windows = Windows {
            kernel: kernel.to_vec(),
            strides,
            dilations,
            sides: Vec::with_capacity(axes),
            reach: Vec::with_capacity(axes),
            count: Vec::with_capacity(axes),
        };
        for (axis, &length) in lengths.iter().enumerate() {
            let stride = windows.strides[axis];
            let span = (kernel[axis] - 1) * windows.dilations[axis] + 1;
            let (before, after) = match self.automatic {
                Automatic::No => (pads[axis], pads[axes + axis]),
                Automatic::Valid => (0, 0),
                Automatic::Same { at_end } => {
                    let wanted = (length.div_ceil(stride).max(1) - 1) * stride + span;
                    let more = wanted.saturating_sub(length);
                    match at_end {
                        true => (more / 2, more - more / 2),
                        false => (more - more / 2, more / 2),
                    }
                }
            };
            let padded = length + before + after;
            let Some(room) = padded.checked_sub(span) else {
                return Err(format!(
                    "a window of {span} does not fit into {padded} of axis {axis}"
                ));
            };
            let mut count = room / stride + 1;
            // A window that begins after the picture is none.
            if self.ceil && room % stride > 0 && count * stride < length + before {
                count += 1;
            }
            let end = (count - 1) * stride + span;
            windows.sides.push((before, after));
            windows.reach.push(end.saturating_sub(length + before));
            windows.count.push(count);
        }
        Ok(windows)
    }
}

impl Windows {
    /// What is put on both sides, if it is the same, and no window stands out.
    pub(super) fn symmetric(&self) -> Option<Vec<usize>> {
        let sides = self.sides.iter().zip(&self.reach);
        sides
            .map(|(&(before, after), &reach)| (before == after && reach <= after).then_some(before))
            .collect()
    }

    /// What is put around all axes of a picture `[batch, channels, ..]` so that all windows lie inside.
    pub(super) fn around(&self) -> Vec<(usize, usize)> {
        let sides = self.sides.iter().zip(&self.reach);
        let sides = sides.map(|(&(before, _), &reach)| (before, reach));
        [(0, 0), (0, 0)].into_iter().chain(sides).collect()
    }
}

/// A list with as many entries as there are axes.
pub(super) fn array<const N: usize>(values: &[usize]) -> [usize; N] {
    values.try_into().expect("one entry an axis")
}
