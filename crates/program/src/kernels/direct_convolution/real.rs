//! Numbers in vector registers.

use std::ops::AddAssign;

use burn_backend::Element;
use pulp::Simd;

/// A type of number that convolutions compute with, several to a register.
pub(super) trait Real: Element + Default + AddAssign {
    /// A register full of them.
    type Pack<S: Simd>: Copy;

    /// Numbers in a register.
    fn lanes<S: Simd>() -> usize;
    /// `x` in every place.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Pack<S>;
    /// The first numbers of a slice.
    fn load<S: Simd>(from: &[Self]) -> Self::Pack<S>;
    /// Writes the numbers to the start of a slice.
    fn store<S: Simd>(pack: Self::Pack<S>, to: &mut [Self]);
    /// `a b + c`.
    fn mul_add<S: Simd>(
        simd: S,
        a: Self::Pack<S>,
        b: Self::Pack<S>,
        c: Self::Pack<S>,
    ) -> Self::Pack<S>;
    /// The sum of the numbers.
    fn sum<S: Simd>(simd: S, pack: Self::Pack<S>) -> Self;
}

// Whatever runs in a loop over registers must be inlined into it, for it is compiled once for each instruction set.

impl Real for f32 {
    type Pack<S: Simd> = S::f32s;

    #[inline(always)]
    fn lanes<S: Simd>() -> usize {
        S::F32_LANES
    }

    #[inline(always)]
    fn splat<S: Simd>(simd: S, x: Self) -> S::f32s {
        simd.splat_f32s(x)
    }

    #[inline(always)]
    fn load<S: Simd>(from: &[Self]) -> S::f32s {
        S::as_simd_f32s(from).0[0]
    }

    #[inline(always)]
    fn store<S: Simd>(pack: S::f32s, to: &mut [Self]) {
        S::as_mut_simd_f32s(to).0[0] = pack;
    }

    #[inline(always)]
    fn mul_add<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
        simd.mul_add_e_f32s(a, b, c)
    }

    #[inline(always)]
    fn sum<S: Simd>(simd: S, pack: S::f32s) -> Self {
        simd.reduce_sum_f32s(pack)
    }
}

impl Real for f64 {
    type Pack<S: Simd> = S::f64s;

    #[inline(always)]
    fn lanes<S: Simd>() -> usize {
        S::F64_LANES
    }

    #[inline(always)]
    fn splat<S: Simd>(simd: S, x: Self) -> S::f64s {
        simd.splat_f64s(x)
    }

    #[inline(always)]
    fn load<S: Simd>(from: &[Self]) -> S::f64s {
        S::as_simd_f64s(from).0[0]
    }

    #[inline(always)]
    fn store<S: Simd>(pack: S::f64s, to: &mut [Self]) {
        S::as_mut_simd_f64s(to).0[0] = pack;
    }

    #[inline(always)]
    fn mul_add<S: Simd>(simd: S, a: S::f64s, b: S::f64s, c: S::f64s) -> S::f64s {
        simd.mul_add_e_f64s(a, b, c)
    }

    #[inline(always)]
    fn sum<S: Simd>(simd: S, pack: S::f64s) -> Self {
        simd.reduce_sum_f64s(pack)
    }
}
