//! Operations without a rule, and what happens to them.

use std::panic::catch_unwind;

use backdraft_forward::{Dual, DualTensor, UnsupportedOperation, catch_unsupported};
use burn_backend::ops::{DeformConvOptions, FloatTensorOps, ModuleOps, QTensorOps};
use burn_backend::quantization::{QuantScheme, QuantStore};
use burn_backend::tensor::IndexingUpdateOp;
use burn_flex::Flex;

use crate::support::{floats, ints, spread};

type D = Dual<Flex>;

fn moving<const N: usize>(shape: [usize; N]) -> DualTensor<Flex> {
    DualTensor::new(spread(shape, -1.0, 1.0), spread(shape, 0.0, 1.0))
}

fn constant<const N: usize>(shape: [usize; N]) -> DualTensor<Flex> {
    DualTensor::constant(spread(shape, -1.0, 1.0))
}

fn deform(offset: DualTensor<Flex>) -> DualTensor<Flex> {
    let options = DeformConvOptions::new([1, 1], [0, 0], [1, 1], 1, 1);
    D::deform_conv2d(
        constant([1, 2, 4, 4]),
        offset,
        constant([3, 2, 2, 2]),
        None,
        None,
        options,
    )
}

fn scatter(update: IndexingUpdateOp, value: DualTensor<Flex>) -> DualTensor<Flex> {
    D::float_scatter(0, constant([4]), ints(vec![2, 0], [2]), value, update)
}

#[test]
fn an_operation_without_a_rule_is_a_named_error() {
    let named = |operation| UnsupportedOperation { operation };
    let error = catch_unsupported(|| deform(moving([1, 8, 3, 3]))).unwrap_err();
    assert_eq!(error, named("deform_conv2d"));
    let error = catch_unsupported(|| scatter(IndexingUpdateOp::Max, moving([2]))).unwrap_err();
    assert_eq!(error, named("scatter"));
    let scheme = QuantScheme::default().with_store(QuantStore::Native);
    let error = catch_unsupported(|| D::quantize_dynamic(moving([2, 32]), &scheme)).unwrap_err();
    assert_eq!(error, named("quantize_dynamic"));
    assert!(
        error
            .to_string()
            .contains("`quantize_dynamic` has no forward-mode rule")
    );
}

#[test]
fn constants_pass_through_it() {
    let out = catch_unsupported(|| deform(constant([1, 8, 3, 3]))).unwrap();
    assert!(out.tangent().is_none());
    let out = catch_unsupported(|| scatter(IndexingUpdateOp::Add, constant([2]))).unwrap();
    assert!(out.tangent().is_none());
}

#[test]
fn a_success_is_returned() {
    let y = catch_unsupported(|| D::float_exp(moving([2, 2]))).unwrap();
    assert!(y.tangent().is_some());
}

#[test]
fn a_foreign_panic_goes_on() {
    let payload = catch_unwind(|| {
        let result: Result<(), _> = catch_unsupported(|| std::panic::panic_any("another matter"));
        result
    })
    .unwrap_err();
    assert_eq!(*payload.downcast::<&str>().unwrap(), "another matter");
}

#[test]
fn it_is_reached_through_a_nested_decorator() {
    let inner = DualTensor::<D>::new(moving([2]), DualTensor::constant(floats(vec![1.0; 2], [2])));
    let error = catch_unsupported(|| {
        Dual::<D>::float_scatter(
            0,
            DualTensor::constant(constant([4])),
            ints(vec![2, 0], [2]),
            inner,
            IndexingUpdateOp::Mul,
        )
    })
    .unwrap_err();
    assert_eq!(error.operation, "scatter");
}
