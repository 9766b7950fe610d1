//! What the type promises: structural zeros, shapes, data types, and what stops a tangent.

use backdraft_forward::{Dual, DualTensor};
use burn_backend::ops::{
    ActivationOps, BoolTensorOps, FloatTensorOps, IntTensorOps, TransactionOps,
    TransactionPrimitive,
};
use burn_backend::{
    Backend, BoolDType, DType, FloatDType, IntDType, Shape, TensorMetadata, read_sync,
};
use burn_flex::Flex;

use crate::support::{bools, floats, ints, spread, values};

type D = Dual<Flex>;

fn constant() -> DualTensor<Flex> {
    DualTensor::constant(spread([2, 3], -1.0, 1.0))
}

fn moving() -> DualTensor<Flex> {
    DualTensor::new(spread([2, 3], -1.0, 1.0), spread([2, 3], 0.0, 1.0))
}

#[test]
fn constants_stay_constants() {
    let device = Default::default();
    let shape = || Shape::new([2, 3]);
    for (name, x) in [
        ("zeros", D::float_zeros(shape(), &device, FloatDType::F64)),
        ("ones", D::float_ones(shape(), &device, FloatDType::F64)),
        ("product", D::float_mul(constant(), constant())),
        ("cat", D::float_cat(vec![constant(), constant()], 0)),
        (
            "from int",
            D::int_into_float(ints(vec![1, 2], [2]), FloatDType::F64),
        ),
        (
            "from bool",
            D::bool_into_float(bools(vec![true], [1]), FloatDType::F64),
        ),
    ] {
        assert!(x.tangent().is_none(), "{name} is constant");
    }
}

#[test]
fn derivatives_that_are_zero_everywhere_are_structural() {
    for (name, x) in [
        ("sign", D::float_sign(moving())),
        ("floor", D::float_floor(moving())),
        ("x^0", D::float_powf_scalar(moving(), 0.0.into())),
        ("detach", D::float_detach(moving())),
    ] {
        assert!(x.tangent().is_none(), "{name} does not move");
    }
}

#[test]
fn a_shift_keeps_the_tangent() {
    let x = D::float_add_scalar(moving(), 2.0.into());
    let (_, tangent) = moving().into_parts();
    assert_eq!(
        values(x.into_parts().1.unwrap()),
        values(tangent.unwrap()),
        "adding a number"
    );
}

#[test]
fn at_a_kink_the_derivative_is_burn_autodiffs() {
    let at = |x: f64| DualTensor::<Flex>::new(floats(vec![x], [1]), floats(vec![1.0], [1]));
    let one = || DualTensor::constant(floats(vec![1.0], [1]));
    for (name, y, slope) in [
        ("relu", D::relu(at(0.0)), 0.0),
        ("relu_backward", D::relu_backward(at(0.0), one()), 0.0),
        ("leaky_relu", D::leaky_relu(at(0.0), 0.1.into()), 1.0),
        ("abs", D::float_abs(at(0.0)), 0.0),
        ("clamp_min", D::float_clamp_min(at(0.5), 0.5.into()), 1.0),
        ("clamp_max", D::float_clamp_max(at(0.5), 0.5.into()), 1.0),
    ] {
        let tangent = y.into_parts().1.map_or(vec![0.0], values);
        assert_eq!(tangent, [slope], "{name}");
    }
}

#[test]
fn decisions_are_made_on_the_primal() {
    let (x, y) = (moving(), constant());
    let equal = D::float_equal(x.clone(), y, BoolDType::Native);
    let equal = read_sync(D::bool_into_data(equal)).expect("flex reads at once");
    assert!(equal.iter::<bool>().all(|equal| equal));
    let indices = D::float_argmax(x.clone(), 1, IntDType::I64);
    let expected = Flex::float_argmax(x.into_parts().0, 1, IntDType::I64);
    assert_eq!(indices.into_data(), expected.into_data());
}

#[test]
fn a_tangent_is_broadcast_with_its_output() {
    let row = DualTensor::<Flex>::new(spread([1, 3], -1.0, 1.0), spread([1, 3], 0.0, 1.0));
    for y in [
        D::float_add(row.clone(), constant()),
        D::float_sub(constant(), row.clone()),
        D::float_div(row.clone(), constant()),
    ] {
        assert_eq!(y.tangent().unwrap().shape(), Shape::new([2, 3]));
    }
}

#[test]
fn a_tangent_has_the_data_type_of_its_primal() {
    let x = D::float_cast(moving(), FloatDType::F32);
    assert_eq!(x.dtype(), DType::F32);
    assert_eq!(x.tangent().unwrap().dtype(), DType::F32);
}

#[test]
#[should_panic(expected = "a tangent must have the shape of its primal")]
fn a_tangent_of_another_shape_is_refused() {
    DualTensor::<Flex>::new(floats(vec![1.0], [1]), floats(vec![1.0, 2.0], [2]));
}

#[test]
#[should_panic(expected = "a tangent must have the data type of its primal")]
fn a_tangent_of_another_data_type_is_refused() {
    let tangent = Flex::float_cast(floats(vec![1.0], [1]), FloatDType::F32);
    DualTensor::<Flex>::new(floats(vec![1.0], [1]), tangent);
}

#[test]
fn reading_gives_primals() {
    let read = read_sync(D::tr_execute(TransactionPrimitive::new(
        vec![moving()],
        vec![],
        vec![ints(vec![4], [1])],
        vec![],
    )))
    .expect("flex reads at once");
    let (primal, _) = moving().into_parts();
    assert_eq!(read.read_floats, [primal.into_data()]);
    assert_eq!(read.read_ints.len(), 1);
}

#[test]
fn the_name_tells_the_decorator() {
    assert_eq!(D::name(&Default::default()), "dual<flex>");
    assert_eq!(Dual::<D>::name(&Default::default()), "dual<dual<flex>>");
}
