//! The loop of a convolution's derivative in the weight.

use pulp::{Simd, WithSimd};

use crate::kernels::direct_convolution::real::Real;

/// ```text
/// out[r, k] += sum over images i and positions p of rows[r, i, p] source[i, offsets[k] + p]
/// ```
pub(super) struct RowCorrelation<'a, T> {
    /// Zero where there is nothing to multiply.
    pub rows: &'a [T],
    /// Positions, a whole number of registers.
    pub run: usize,
    pub source: &'a [T],
    /// Numbers of an image in the source.
    pub image: usize,
    pub images: usize,
    pub offsets: &'a [usize],
    pub out: &'a mut [T],
}

impl<T: Real> WithSimd for RowCorrelation<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let rows = self.out.len() / self.offsets.len();
        let most = if S::REGISTER_COUNT < 32 { 2 } else { 4 };
        let (mut r, mut left) = (0, rows);
        while left > 0 {
            let high = left.div_ceil(left.div_ceil(most));
            match high {
                1 => self.rows::<S, 1>(simd, r),
                2 => self.rows::<S, 2>(simd, r),
                3 => self.rows::<S, 3>(simd, r),
                _ => self.rows::<S, 4>(simd, r),
            }
            r += high;
            left -= high;
        }
    }
}

impl<T: Real> RowCorrelation<'_, T> {
    #[inline(always)]
    fn rows<S: Simd, const R: usize>(&mut self, simd: S, r: usize) {
        let (mut k, mut left) = (0, self.offsets.len());
        while left > 0 {
            let wide = left.div_ceil(left.div_ceil(4));
            match wide {
                1 => self.tile::<S, R, 1>(simd, r, k),
                2 => self.tile::<S, R, 2>(simd, r, k),
                3 => self.tile::<S, R, 3>(simd, r, k),
                _ => self.tile::<S, R, 4>(simd, r, k),
            }
            k += wide;
            left -= wide;
        }
    }

    /// `R` rows and `K` columns of the result, from row `r` and column `k`.
    // Ranges of known length, which the compiler unrolls into registers.
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const K: usize>(&mut self, simd: S, r: usize, k: usize) {
        let lanes = T::lanes::<S>();
        let mut sums = [[T::splat(simd, T::default()); K]; R];
        for image in 0..self.images {
            let mut rows: [&[T]; R] = [&[]; R];
            for i in 0..R {
                rows[i] = &self.rows[((r + i) * self.images + image) * self.run..][..self.run];
            }
            let mut sources: [&[T]; K] = [&[]; K];
            for j in 0..K {
                let start = image * self.image + self.offsets[k + j];
                sources[j] = &self.source[start..][..self.run];
            }
            let mut p = 0;
            while p < self.run {
                let mut x = sums[0];
                for j in 0..K {
                    x[j] = T::load::<S>(&sources[j][p..]);
                }
                for i in 0..R {
                    let row = T::load::<S>(&rows[i][p..]);
                    for j in 0..K {
                        sums[i][j] = T::mul_add(simd, row, x[j], sums[i][j]);
                    }
                }
                p += lanes;
            }
        }
        let columns = self.offsets.len();
        for i in 0..R {
            for j in 0..K {
                self.out[(r + i) * columns + k + j] += T::sum(simd, sums[i][j]);
            }
        }
    }
}
