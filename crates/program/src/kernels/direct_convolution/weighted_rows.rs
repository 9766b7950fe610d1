//! The loop of a convolution and of its transpose.

use pulp::{Simd, WithSimd};

use crate::kernels::direct_convolution::real::Real;

/// Rows that are computed together: each number of the source that was read serves all of them.
pub(super) const ROWS: usize = 4;

/// A few rows at once of
///
/// ```text
/// out[r, p] = start[r] + sum over k of weights[r, k] source[offsets[k] + p]
/// ```
pub(super) struct WeightedRows<'a, T> {
    /// `start`.
    pub bias: &'a [T],
    /// By `k`, and then by row.
    pub weights: &'a [T],
    pub offsets: &'a [usize],
    /// Readable beyond the end of a run to a whole number of registers.
    pub source: &'a [T],
    /// By row, each with room for a whole number of registers.
    pub out: &'a mut [T],
    /// Numbers of a row that are wanted.
    pub run: usize,
}

impl<T: Real> WithSimd for WeightedRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.bias.len() {
            1 => self.rows::<S, 1>(simd),
            2 => self.rows::<S, 2>(simd),
            3 => self.rows::<S, 3>(simd),
            _ => self.rows::<S, ROWS>(simd),
        }
    }
}

impl<T: Real> WeightedRows<'_, T> {
    #[inline(always)]
    fn rows<S: Simd, const R: usize>(mut self, simd: S) {
        let lanes = T::lanes::<S>();
        let most = if S::REGISTER_COUNT < 32 { 2 } else { 4 };
        let (mut at, mut left) = (0, self.run.div_ceil(lanes));
        while left > 0 {
            let wide = left.div_ceil(left.div_ceil(most));
            match wide {
                1 => self.tile::<S, R, 1>(simd, at),
                2 => self.tile::<S, R, 2>(simd, at),
                3 => self.tile::<S, R, 3>(simd, at),
                _ => self.tile::<S, R, 4>(simd, at),
            }
            at += wide * lanes;
            left -= wide;
        }
    }

    /// `R` rows of `W` registers, from position `at`.
    // Ranges of known length, which the compiler unrolls into registers.
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const W: usize>(&mut self, simd: S, at: usize) {
        let lanes = T::lanes::<S>();
        let mut sums = [[T::splat(simd, self.bias[0]); W]; R];
        for r in 1..R {
            sums[r] = [T::splat(simd, self.bias[r]); W];
        }
        for (weights, &offset) in self.weights.chunks_exact(R).zip(self.offsets) {
            let source = &self.source[offset + at..][..W * lanes];
            let mut x = sums[0];
            for w in 0..W {
                x[w] = T::load::<S>(&source[w * lanes..]);
            }
            for r in 0..R {
                let weight = T::splat(simd, weights[r]);
                for w in 0..W {
                    sums[r][w] = T::mul_add(simd, weight, x[w], sums[r][w]);
                }
            }
        }
        let row = self.out.len() / R;
        for r in 0..R {
            let out = &mut self.out[r * row + at..][..W * lanes];
            for w in 0..W {
                T::store::<S>(sums[r][w], &mut out[w * lanes..]);
            }
        }
    }
}
