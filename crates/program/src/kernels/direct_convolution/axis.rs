//! How a convolution walks along one axis.

/// The sizes of a convolution along one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct AxisSizes {
    pub input: usize,
    pub kernel: usize,
    pub output: usize,
    pub stride: usize,
    /// Zeros before the input.
    pub padding: usize,
    pub dilation: usize,
}

impl AxisSizes {
    /// Of an axis that is not there.
    pub const POINT: Self = Self {
        input: 1,
        kernel: 1,
        output: 1,
        stride: 1,
        padding: 0,
        dilation: 1,
    };
}

/// A convolution along one axis as sums of shifted copies: with a stride, positions are split by their remainder, so
/// that the neighbours that a sum runs over are neighbours in memory.
#[derive(Clone, Debug)]
pub(super) struct AxisMap {
    /// Size of the tensor that is read.
    pub size: usize,
    /// From one position of a copy to the next.
    pub step: usize,
    /// Where each copy starts; before the tensor and behind it are zeros.
    pub starts: Vec<isize>,
    /// Positions of a copy.
    pub length: usize,
    /// What is written.
    pub destinations: Vec<Destination>,
}

/// Positions that are written with the same sum.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    pub first: usize,
    pub step: usize,
    pub count: usize,
    pub taps: Vec<Tap>,
}

/// One term of a sum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    /// Position in the kernel.
    pub kernel: usize,
    /// Which copy.
    pub copy: usize,
    /// Where in it the first position that is written reads.
    pub at: usize,
}

impl AxisMap {
    /// From input to output: output `o` reads input `o stride + k dilation - padding`.
    pub fn forward(s: AxisSizes) -> Self {
        let reach = |k| (k * s.dilation / s.stride, k * s.dilation % s.stride);
        let mut rests: Vec<usize> = (0..s.kernel).map(|k| reach(k).1).collect();
        rests.sort_unstable();
        rests.dedup();
        let taps = (0..s.kernel).map(|kernel| {
            let (at, rest) = reach(kernel);
            let copy = rests
                .iter()
                .position(|&r| r == rest)
                .expect("from the same list");
            Tap { kernel, copy, at }
        });
        Self {
            size: s.input,
            step: s.stride,
            starts: rests
                .iter()
                .map(|&rest| rest as isize - s.padding as isize)
                .collect(),
            length: s.output + reach(s.kernel - 1).0,
            destinations: vec![Destination {
                first: 0,
                step: 1,
                count: s.output,
                taps: taps.collect(),
            }],
        }
    }

    /// From output to input, the transpose: input `i` reads output `(i + padding - k dilation) / stride` where that is
    /// whole.
    pub fn transposed(s: AxisSizes) -> Self {
        let mut destinations: Vec<Destination> = Vec::new();
        // Positions are shifted by `lead`, so that none is negative.
        let (mut lead, mut length) = (0, 0);
        for rest in 0..s.stride {
            let shifted = |i: usize| (i + s.padding).saturating_sub(rest).div_ceil(s.stride);
            let (first, end) = (shifted(0), shifted(s.input));
            let kernels = (0..s.kernel).filter(|k| k * s.dilation % s.stride == rest);
            let taps: Vec<Tap> = kernels
                .map(|kernel| Tap {
                    kernel,
                    copy: 0,
                    at: kernel * s.dilation / s.stride,
                })
                .collect();
            let (Some(near), Some(far)) = (taps.first(), taps.last()) else {
                continue;
            };
            if first == end {
                continue;
            }
            lead = lead.max(far.at.saturating_sub(first));
            length = length.max(end as isize - near.at as isize);
            destinations.push(Destination {
                first: first * s.stride + rest - s.padding,
                step: s.stride,
                count: end - first,
                taps,
            });
        }
        for destination in &mut destinations {
            let first = (destination.first + s.padding) / s.stride;
            for tap in &mut destination.taps {
                tap.at = first + lead - tap.at;
            }
        }
        Self {
            size: s.output,
            step: 1,
            starts: vec![-(lead as isize)],
            length: (lead as isize + length).max(0) as usize,
            destinations,
        }
    }

    /// Number of positions that are written.
    pub fn reached(&self) -> usize {
        self.destinations
            .iter()
            .map(|destination| destination.count)
            .sum()
    }

    /// Positions of a copy that lie in the tensor, and the first of them in the tensor.
    pub fn inside(&self, copy: usize) -> (std::ops::Range<usize>, usize) {
        let start = self.starts[copy];
        let before = (-start).max(0) as usize;
        let first = before.div_ceil(self.step);
        let position = |i: usize| (start + (i * self.step) as isize) as usize;
        let left = (self.size as isize - start).max(0) as usize;
        let end = left.div_ceil(self.step).min(self.length);
        if first >= end {
            return (0..0, 0);
        }
        (first..end, position(first))
    }
}
