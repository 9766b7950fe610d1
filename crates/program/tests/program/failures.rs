//! Functions that cannot be differentiated, or that fail while they are traced: typed errors.

use backdraft_program::{ProgramError, grad, jvp, linearize};
use backdraft_test_support::*;
use burn::{Tensor, tensor::DType};

#[test]
fn misuse_is_a_typed_error() {
    let x = random([3], 4);
    let many = grad(|x: Tensor<1>| x.square(), x.clone()).unwrap_err();
    assert!(many.to_string().contains("F64[3]"), "{many}");
    let vector = jvp(
        |x: Vec<Tensor<1>>| x[0].clone(),
        vec![x.clone()],
        vec![x.clone(), x.clone()],
    );
    assert_eq!(
        vector.map(|_| ()).unwrap_err(),
        ProgramError::VectorLength {
            expected: 1,
            found: 2
        }
    );
    let shape = jvp(|x: Tensor<1>| x, x.clone(), random([4], 1)).unwrap_err();
    assert!(
        matches!(shape, ProgramError::Vector { index: 0, .. }),
        "{shape}"
    );
    let (_, derivative) = linearize(|x: Tensor<1>| x.square(), x.clone()).unwrap();
    assert!(matches!(
        derivative.apply(random([2], 1)),
        Err(ProgramError::Vector { .. })
    ));

    let outside = random([3], 7);
    let mixed = grad(|x: Tensor<1>| (x * outside.clone()).sum(), x.clone()).unwrap_err();
    assert!(mixed.to_string().contains("Constant"), "{mixed}");
    let reversed = grad(|x: Tensor<1>| (outside.clone() * x).sum(), x.clone()).unwrap_err();
    assert!(matches!(reversed, ProgramError::Trace(_)), "{reversed}");
    // It may be moved instead.
    let moved = grad(
        |x: Tensor<1>| (outside.clone().to_device(&x.device()) * x).sum(),
        x.clone(),
    );
    assert_eq!(host(moved.unwrap()), host(outside.clone()));
    let reads = grad(
        |x: Tensor<1>| x.clone() * x.sum().into_scalar::<f64>(),
        x.clone().slice(0..1),
    );
    assert!(reads.unwrap_err().to_string().contains("into_scalar"));
    // The trace that failed leaves nothing behind.
    assert!(grad(|x: Tensor<1>| x.sum(), x).is_ok());
}

#[test]
fn a_panic_is_an_error_with_its_text_and_place() {
    let x = random([3], 4);
    let broken = |x: Tensor<1>| x.reshape([2, 2]).sum();
    let error = grad(broken, x.clone()).unwrap_err();
    let ProgramError::Panicked { message, place, .. } = &error else {
        panic!("{error}");
    };
    assert!(
        !message.contains('\n') && !message.contains("==="),
        "{message}"
    );
    assert_eq!(*place, None);
    let own = |x: Tensor<1>| {
        assert_eq!(x.dims(), [4], "four numbers\nare read");
        x.sum()
    };
    let error = grad(own, x.clone()).unwrap_err();
    let ProgramError::Panicked {
        message, location, ..
    } = &error
    else {
        panic!("{error}");
    };
    assert!(message.contains("four numbers are read"), "{message}");
    assert!(location.as_deref().unwrap().contains("failures.rs:"));
    // Neither a function within one that panics, nor the trace, leaves anything behind.
    let inner = |x: Tensor<1>| Ok(grad(own, x)?.sum());
    assert!(matches!(
        grad(inner, x.clone()),
        Err(ProgramError::Panicked { .. })
    ));
    assert!(grad(|x: Tensor<1>| x.sum(), x).is_ok());
}

#[test]
fn float_types_that_meet_are_named() {
    let (x, y) = (random([2, 2], 4), random([2, 2], 1).cast(DType::F32));
    type Pair = (Tensor<2>, Tensor<2>);
    let sum = |(x, y): Pair| (x + y).sum();
    let product = |(x, y): Pair| x.matmul(y).sum();
    for error in [
        grad(sum, (x.clone(), y.clone())).map(drop),
        grad(product, (x.clone(), y.clone())).map(drop),
    ] {
        match error.unwrap_err() {
            ProgramError::MixedTypes { mut types, .. } => {
                types.sort_by_key(|dtype| dtype.size());
                assert_eq!(types, [DType::F32, DType::F64]);
            }
            error => panic!("{error}"),
        }
    }
    let cast = |(x, y): Pair| x.matmul(y.cast(DType::F64)).sum();
    assert!(grad(cast, (x, y)).is_ok());
}
