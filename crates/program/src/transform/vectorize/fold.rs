//! Where the new axis goes in a tensor that cannot have one axis more.

/// The new axis as part of an existing one: the axis `axis` of size `outer * inner` becomes `outer * size * inner`.
///
/// `outer` is one, except for channels in groups, where a group's channels have to stay together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fold {
    pub axis: usize,
    pub outer: usize,
}

impl Fold {
    /// Into `axis`, the new axis outermost.
    pub fn at(axis: usize) -> Self {
        Self { axis, outer: 1 }
    }

    /// The shape of the folded tensor, from the shape without the new axis.
    pub fn folded(&self, shape: &[usize], size: usize) -> Vec<usize> {
        let mut shape = shape.to_vec();
        shape[self.axis] *= size;
        shape
    }

    /// The shape `[size, .., outer, inner, ..]`.
    pub fn split(&self, shape: &[usize], size: usize) -> Vec<usize> {
        let mut split = vec![size];
        split.extend_from_slice(shape);
        if self.outer > 1 {
            split[self.axis + 1] /= self.outer;
            split.insert(self.axis + 1, self.outer);
        }
        split
    }

    /// The axes that bring [`split`](Self::split) to `[.., outer, size, inner, ..]`, in a tensor of rank `rank` without
    /// the new axis.
    pub fn inwards(&self, rank: usize) -> Vec<usize> {
        let (place, rank) = self.place(rank);
        let mut axes: Vec<usize> = (1..rank).collect();
        axes.insert(place, 0);
        axes
    }

    /// The axes that undo [`inwards`](Self::inwards).
    pub fn outwards(&self, rank: usize) -> Vec<usize> {
        let (place, rank) = self.place(rank);
        let others = (0..rank).filter(|&axis| axis != place);
        std::iter::once(place).chain(others).collect()
    }

    /// The new axis's place among the split axes, and their number.
    fn place(&self, rank: usize) -> (usize, usize) {
        let grouped = usize::from(self.outer > 1);
        (self.axis + grouped, rank + 1 + grouped)
    }
}
