//! Convolutions of two dimensions, and their derivatives.

use std::ops::Range;

use pulp::Arch;
use rayon::prelude::*;

use crate::kernels::direct_convolution::{
    axis::{AxisMap, AxisSizes},
    plane_map::{COPIES, PlaneMap, REGISTER},
    real::Real,
    row_correlation::RowCorrelation,
};

/// Most parts of a batch whose shares of a weight's derivative are kept apart, and most numbers of them, beyond the
/// first.
const PARTS: usize = 16;
const PARTS_NUMBERS: usize = 1 << 22;

/// The sizes of a convolution of `[batch, groups * inputs, ..]` with `[groups * outputs, inputs, ..]` to
/// `[batch, groups * outputs, ..]`. Tensors are contiguous.
#[derive(Clone, Copy, Debug)]
pub(super) struct Convolution {
    pub batch: usize,
    pub groups: usize,
    /// Channels of a group.
    pub inputs: usize,
    pub outputs: usize,
    pub axes: [AxisSizes; 2],
}

impl Convolution {
    /// The convolution of `x` with `weight`, and `bias`, which may be empty, added.
    pub fn output<T: Real>(&self, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
        let at = |group, output, input, k| weight[self.index(group, output, input, k)];
        self.map().apply(x, self.axes.map(|a| a.output), at, bias)
    }

    /// The transpose of the convolution as a function of its input, at `output`, and `bias`, which may be empty, added.
    pub fn input<T: Real>(&self, output: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
        let at = |group, input, output, k| weight[self.index(group, output, input, k)];
        let map = PlaneMap {
            axes: self.axes.map(AxisMap::transposed),
            groups: self.groups,
            from: self.outputs,
            to: self.inputs,
        };
        map.apply(output, self.axes.map(|a| a.input), at, bias)
    }

    /// The transpose of the convolution of `x` as a function of its weight, at `output`. The batch is summed in parts
    /// that do not depend on the number of cores, and so does not the result.
    pub fn weight<T: Real>(&self, x: &[T], output: &[T]) -> Vec<T> {
        let columns = self.inputs * self.axes[0].kernel * self.axes[1].kernel;
        let whole = self.groups * self.outputs * columns;
        let parts = (PARTS_NUMBERS / whole).clamp(1, PARTS).min(self.batch);
        let part = self.batch.div_ceil(parts);
        let parts = self.batch.div_ceil(part);
        // Channels are shared too where that is not enough for all cores.
        let shares = (2 * rayon::current_num_threads()).div_ceil(parts * self.groups);
        let high = self.outputs.div_ceil(shares.min(self.outputs));
        let map = self.map();
        let mut sums = vec![T::default(); parts * whole];
        sums.par_chunks_mut(whole)
            .enumerate()
            .for_each(|(i, sums)| {
                let images = i * part..self.batch.min((i + 1) * part);
                let groups = sums.par_chunks_mut(self.outputs * columns).enumerate();
                groups.for_each(|(group, sums)| {
                    let blocks = sums.par_chunks_mut(high * columns).enumerate();
                    blocks.for_each(|(block, sums)| {
                        let first = group * self.outputs + block * high;
                        let channels = first..first + sums.len() / columns;
                        self.add_weight(&map, x, output, group, (images.clone(), channels), sums);
                    });
                });
            });
        let (sum, others) = sums.split_at_mut(whole);
        for other in others.chunks_exact(whole) {
            sum.iter_mut().zip(other).for_each(|(sum, &x)| *sum += x);
        }
        sums.truncate(whole);
        sums
    }

    /// Adds the share that some images and output channels of one group have in the weight's derivative.
    fn add_weight<T: Real>(
        &self,
        map: &PlaneMap,
        x: &[T],
        output: &[T],
        group: usize,
        (images, channels): (Range<usize>, Range<usize>),
        sum: &mut [T],
    ) {
        let destination = [0, 1].map(|axis| &map.axes[axis].destinations[0]);
        let offsets = map.offsets(destination);
        let (plane, width) = (
            destination[0].count * destination[1].count,
            map.axes[1].length,
        );
        let run = map.run(destination).next_multiple_of(REGISTER);
        let read = self.inputs * map.plane();
        let together = (COPIES / map.copies()).clamp(1, images.len());
        let mut source = vec![T::default(); together * map.copies() + run];
        let mut rows = vec![T::default(); together * channels.len() * run];
        let arch = Arch::new();
        for first in images.clone().step_by(together) {
            let count = together.min(images.end - first);
            for i in 0..count {
                let x = &x[((first + i) * self.groups + group) * read..][..read];
                map.copy(x, &mut source[i * map.copies()..][..map.copies()]);
                let image = &output[(first + i) * self.groups * self.outputs * plane..];
                for (row, channel) in channels.clone().enumerate() {
                    let from = image[channel * plane..][..plane].chunks_exact(destination[1].count);
                    let to = &mut rows[(row * count + i) * run..][..run];
                    for (to, from) in to.chunks_mut(width).zip(from) {
                        to[..from.len()].copy_from_slice(from);
                    }
                }
            }
            arch.dispatch(RowCorrelation {
                rows: &rows,
                run,
                source: &source,
                image: map.copies(),
                images: count,
                offsets: &offsets,
                out: sum,
            });
        }
    }

    fn map(&self) -> PlaneMap {
        PlaneMap {
            axes: self.axes.map(AxisMap::forward),
            groups: self.groups,
            from: self.inputs,
            to: self.outputs,
        }
    }

    /// Where in the weight the factor between two channels of a group at a position in the kernel is.
    fn index(&self, group: usize, output: usize, input: usize, [y, x]: [usize; 2]) -> usize {
        let channel = (group * self.outputs + output) * self.inputs + input;
        (channel * self.axes[0].kernel + y) * self.axes[1].kernel + x
    }
}
