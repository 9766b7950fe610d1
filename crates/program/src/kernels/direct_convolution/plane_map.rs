//! Linear maps of planes that sum shifted copies of them.

use pulp::Arch;
use rayon::prelude::*;

use crate::kernels::direct_convolution::{
    axis::{AxisMap, Destination},
    real::Real,
    weighted_rows::{ROWS, WeightedRows},
};

/// Numbers of copies that a core works on at a time: few enough to stay in its cache.
pub(super) const COPIES: usize = 1 << 16;
/// Numbers in the largest register that there is, and more: what is computed in registers has room for so many.
pub(super) const REGISTER: usize = 16;

/// A convolution or its transpose, from planes `[batch, groups * from, ..]` to `[batch, groups * to, ..]`.
pub(super) struct PlaneMap {
    pub axes: [AxisMap; 2],
    pub groups: usize,
    /// Channels of a group that are read, and that are written.
    pub from: usize,
    pub to: usize,
}

/// What computes one destination.
struct PlaneSum<'a, T> {
    destination: [&'a Destination; 2],
    offsets: Vec<usize>,
    /// By group and block of channels, and there by term and channel.
    weights: Vec<Vec<T>>,
    run: usize,
}

impl PlaneMap {
    /// Numbers of a plane that is read.
    pub fn plane(&self) -> usize {
        self.axes[0].size * self.axes[1].size
    }

    /// Numbers of the copies of a group of planes.
    pub fn copies(&self) -> usize {
        self.from * self.channel()
    }

    fn channel(&self) -> usize {
        let numbers = self.axes.iter().map(|a| a.starts.len() * a.length);
        numbers.product()
    }

    /// From the first position of a destination to its last in the copies. Rows of the destination are rows of the
    /// copies, which are longer.
    pub fn run(&self, [vertical, horizontal]: [&Destination; 2]) -> usize {
        (vertical.count - 1) * self.axes[1].length + horizontal.count
    }

    /// Where in the copies of a group each term of the sums starts, by channel and position in the kernel.
    pub fn offsets(&self, [vertical, horizontal]: [&Destination; 2]) -> Vec<usize> {
        let [v, h] = &self.axes;
        let mut offsets = Vec::new();
        for channel in 0..self.from {
            for y in &vertical.taps {
                for x in &horizontal.taps {
                    let row = (y.copy * h.starts.len() + x.copy) * v.length + y.at;
                    offsets.push(channel * self.channel() + row * h.length + x.at);
                }
            }
        }
        offsets
    }

    /// Writes the copies of planes to where zeros are.
    pub fn copy<T: Real>(&self, planes: &[T], to: &mut [T]) {
        let [v, h] = &self.axes;
        let copies = to.chunks_exact_mut(self.channel());
        for (plane, copies) in planes.chunks_exact(self.plane()).zip(copies) {
            let mut copies = copies.chunks_exact_mut(v.length * h.length);
            for y in 0..v.starts.len() {
                let (rows, first_row) = v.inside(y);
                let sources = plane.chunks_exact(h.size).skip(first_row).step_by(v.step);
                for (x, copy) in (0..h.starts.len()).zip(&mut copies) {
                    let (columns, first) = h.inside(x);
                    let targets = copy.chunks_exact_mut(h.length).skip(rows.start);
                    for (to, from) in targets.zip(sources.clone()).take(rows.len()) {
                        let to = &mut to[columns.clone()];
                        if h.step == 1 {
                            to.copy_from_slice(&from[first..][..to.len()]);
                        } else {
                            let from = from.iter().skip(first).step_by(h.step);
                            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                        }
                    }
                }
            }
        }
    }

    /// The map of `planes` to planes of `height` and `width`: `weight` is asked for group, channel written, channel
    /// read and position in the kernel. `bias`, empty or a number for each channel written, is added.
    pub fn apply<T: Real>(
        &self,
        planes: &[T],
        [height, width]: [usize; 2],
        weight: impl Fn(usize, usize, usize, [usize; 2]) -> T,
        bias: &[T],
    ) -> Vec<T> {
        let none = vec![T::default(); self.groups * self.to];
        let added = if bias.is_empty() { &none } else { bias };
        let high = self.to.div_ceil(self.to.div_ceil(ROWS));
        let sums = self.sums(high, weight);
        let longest = sums.iter().map(|sum| sum.run).max().unwrap_or(0);
        let room = longest.next_multiple_of(REGISTER);
        let size = height * width;
        let read = self.groups * self.from * self.plane();
        let written = self.groups * self.to * size;
        let batch = planes.len() / read;
        let mut out = vec![T::default(); batch * written];
        let reached = self.axes.iter().map(|axis| axis.reached());
        if !bias.is_empty() && reached.product::<usize>() < size {
            // A dilated kernel may step over positions, which are then sums of nothing but this.
            let planes = out.par_chunks_mut(size).enumerate();
            planes.for_each(|(plane, out)| out.fill(bias[plane % bias.len()]));
        }
        if self.copies() == 0 {
            // A stride may step over all of a picture.
            return out;
        }
        let shares = 2 * rayon::current_num_threads();
        let together = (COPIES / (self.groups * self.copies())).min(batch / shares);
        let together = together.max(1);
        let arch = Arch::new();
        let targets = out.par_chunks_mut(together * written);
        let sources = planes.par_chunks(together * read);
        targets.zip(sources).for_each(|(out, planes)| {
            let copies = planes.len() / self.plane() * self.channel();
            let mut source = vec![T::default(); copies + room];
            self.copy(planes, &mut source[..copies]);
            let groups = out.par_chunks_mut(self.to * size).enumerate();
            let blocks = groups.flat_map(|(group, out)| {
                let blocks = out.par_chunks_mut(high * size).enumerate();
                blocks.map(move |(block, out)| (group, block, out))
            });
            let rows = || vec![T::default(); high * room];
            blocks.for_each_init(rows, |rows, (image_and_group, block, out)| {
                let group = image_and_group % self.groups;
                let first = group * self.to + block * high;
                let bias = &added[first..first + out.len() / size];
                let rows = &mut rows[..bias.len() * room];
                for sum in &sums {
                    arch.dispatch(WeightedRows {
                        bias,
                        weights: &sum.weights[group * self.to.div_ceil(high) + block],
                        offsets: &sum.offsets,
                        source: &source[image_and_group * self.copies()..],
                        out: rows,
                        run: sum.run,
                    });
                    for (out, row) in out.chunks_exact_mut(size).zip(rows.chunks_exact(room)) {
                        write(sum.destination, row, self.axes[1].length, out, width);
                    }
                }
            });
        });
        out
    }

    /// What computes each destination, for blocks of `high` channels.
    fn sums<T: Real>(
        &self,
        high: usize,
        weight: impl Fn(usize, usize, usize, [usize; 2]) -> T,
    ) -> Vec<PlaneSum<'_, T>> {
        let block = |[v, h]: [&Destination; 2], group: usize, first: usize| {
            let channels = first..self.to.min(first + high);
            let mut weights =
                Vec::with_capacity(channels.len() * self.from * v.taps.len() * h.taps.len());
            for from in 0..self.from {
                for y in &v.taps {
                    for x in &h.taps {
                        let position = [y.kernel, x.kernel];
                        weights
                            .extend(channels.clone().map(|to| weight(group, to, from, position)));
                    }
                }
            }
            weights
        };
        let [v, h] = &self.axes;
        let destinations = v
            .destinations
            .iter()
            .flat_map(|v| h.destinations.iter().map(move |h| [v, h]));
        let sum = |destination| PlaneSum {
            destination,
            offsets: self.offsets(destination),
            weights: (0..self.groups)
                .flat_map(|group| (0..self.to).step_by(high).map(move |first| (group, first)))
                .map(|(group, first)| block(destination, group, first))
                .collect(),
            run: self.run(destination),
        };
        destinations.map(sum).collect()
    }
}

/// Puts `rows` of a destination, which are `length` numbers from one another, where they belong in a plane of rows of
/// `width`.
fn write<T: Real>(
    [vertical, horizontal]: [&Destination; 2],
    rows: &[T],
    length: usize,
    plane: &mut [T],
    width: usize,
) {
    let targets = plane.chunks_exact_mut(width).skip(vertical.first);
    let targets = targets.step_by(vertical.step).take(vertical.count);
    for (to, from) in targets.zip(rows.chunks(length)) {
        let (to, from) = (&mut to[horizontal.first..], &from[..horizontal.count]);
        if horizontal.step == 1 {
            to[..horizontal.count].copy_from_slice(from);
        } else {
            let to = to.iter_mut().step_by(horizontal.step);
            to.zip(from).for_each(|(to, from)| *to = *from);
        }
    }
}
