//! Elements of bool tensors.
//!
//! - Fault: burn-flex calls what it picks from bools by index ints (`U8`), and then no bool operation takes it. Burn
//!   0.22.0 and 0.22.1.
//! - Way round: where the type comes out wrong, ints are picked and compared with zero.
//! - It may go when `burn_still_calls_picked_bools_ints`, below, fails.

use burn_backend::{
    Backend, DType, IntDType, TensorMetadata,
    tensor::{BoolTensor, IntTensor},
};

/// `Backend::bool_select` with bools as result: see `bools`.
pub fn bool_select<B: Backend>(
    tensor: BoolTensor<B>,
    dim: usize,
    indices: IntTensor<B>,
) -> BoolTensor<B> {
    let selected = B::bool_select(tensor.clone(), dim, indices.clone());
    bools::<B>(tensor, selected, |ints| B::int_select(ints, dim, indices))
}

/// `Backend::bool_gather` with bools as result: see `bools`.
pub(crate) fn bool_gather<B: Backend>(
    dim: usize,
    tensor: BoolTensor<B>,
    indices: IntTensor<B>,
) -> BoolTensor<B> {
    let gathered = B::bool_gather(dim, tensor.clone(), indices.clone());
    bools::<B>(tensor, gathered, |ints| B::int_gather(dim, ints, indices))
}

/// `found`, if it has the type of `tensor`, whose elements it is made of; otherwise what `pick` makes of them as ints.
/// Burn's flex backend calls what it picks from bools ints (`U8`) since 0.22.0, and then no bool operation takes it.
fn bools<B: Backend>(
    tensor: BoolTensor<B>,
    found: BoolTensor<B>,
    pick: impl FnOnce(IntTensor<B>) -> IntTensor<B>,
) -> BoolTensor<B> {
    let dtype: DType = tensor.dtype();
    if found.dtype() == dtype {
        return found;
    }
    let picked = pick(B::bool_into_int(tensor, IntDType::U8));
    B::int_not_equal_elem(picked, 0.into(), dtype.into())
}

#[cfg(test)]
mod tests {
    use burn::{
        backend::Dispatch,
        tensor::{Bool, Device, Int, Tensor},
    };
    use burn_backend::ops::BoolTensorOps;

    use super::*;

    fn picked() -> (Tensor<2, Bool>, Tensor<1, Int>) {
        let device = Device::flex();
        let bools = Tensor::from_data([[true, false], [false, false], [true, true]], &device);
        (bools, Tensor::from_data([2, 0, 2], &device))
    }

    /// When this fails, the way round is no longer needed.
    #[test]
    fn burn_still_calls_picked_bools_ints() {
        let (bools, rows) = picked();
        let (bools, rows) = (bools.into_dispatch(), rows.into_dispatch());
        let selected = Dispatch::bool_select(bools.clone(), 0, rows.clone());
        assert!(!selected.dtype().is_bool());
        let columns = Tensor::<2, Int>::from_data([[1], [1], [0]], &Device::flex());
        let gathered = Dispatch::bool_gather(1, bools, columns.into_dispatch());
        assert!(!gathered.dtype().is_bool());
    }

    #[test]
    fn picked_bools_are_bools() {
        let (bools, rows) = picked();
        let rows = bool_select::<Dispatch>(bools.clone().into_dispatch(), 0, rows.into_dispatch());
        let rows: Vec<bool> = Tensor::<2, Bool>::from_dispatch(rows)
            .into_data()
            .iter()
            .collect();
        assert_eq!(rows, [true, true, true, false, true, true]);
        let columns = Tensor::<2, Int>::from_data([[1], [1], [0]], &Device::flex());
        let found = bool_gather::<Dispatch>(1, bools.into_dispatch(), columns.into_dispatch());
        let found: Vec<bool> = Tensor::<2, Bool>::from_dispatch(found)
            .into_data()
            .iter()
            .collect();
        assert_eq!(found, [false, false, true]);
    }
}
