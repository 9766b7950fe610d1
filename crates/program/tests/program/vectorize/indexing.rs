//! Positions that are data, mapped and not.

use burn::tensor::{IndexingUpdateOp, module};

use super::common::*;

#[test]
fn gather_and_scatter() {
    check(&[float([3, 4]), int([3, 2], 4), float([3, 2])], |x| {
        let (x, at, value) = (f::<2>(&x[0]), i::<2>(&x[1]), f::<2>(&x[2]));
        vec![
            x.clone().gather(1, at.clone()).into_dispatch(),
            x.clone()
                .transpose()
                .gather(0, at.clone().transpose())
                .into_dispatch(),
            x.scatter(1, at, value, IndexingUpdateOp::Add)
                .into_dispatch(),
        ]
    });
    check(&[float([2, 3, 4]), int([2, 2, 4], 3)], |x| {
        vec![f::<3>(&x[0]).gather(1, i::<3>(&x[1])).into_dispatch()]
    });
    check(&[int([3, 4], 9), boolean([3, 4]), int([3, 2], 4)], |x| {
        let at = i::<2>(&x[2]);
        vec![
            i::<2>(&x[0]).gather(1, at.clone()).into_dispatch(),
            b::<2>(&x[1]).gather(1, at).int().into_dispatch(),
        ]
    });
}

#[test]
fn select() {
    for dim in [0, 1, 2] {
        let inputs = [float([3, 3, 3]), int([4], 3)];
        check(&inputs, |x| {
            vec![f::<3>(&x[0]).select(dim, i::<1>(&x[1])).into_dispatch()]
        });
        let mut shape = [3; 3];
        shape[dim] = 4;
        let inputs = [float([3, 3, 3]), int([4], 3), float(shape)];
        check(&inputs, |x| {
            let (x, at, value) = (f::<3>(&x[0]), i::<1>(&x[1]), f::<3>(&x[2]));
            let sum = x.select_assign(dim, at, value, IndexingUpdateOp::Add);
            vec![sum.into_dispatch()]
        });
    }
    check(&[boolean([3, 2]), int([5], 3)], |x| {
        vec![b::<2>(&x[0]).select(0, i::<1>(&x[1])).int().into_dispatch()]
    });
}

#[test]
fn many_coordinates() {
    check(&[float([3, 4]), int([5, 2], 3), float([5])], |x| {
        let (x, at, value) = (f::<2>(&x[0]), i::<2>(&x[1]), f::<1>(&x[2]));
        vec![
            x.clone().gather_nd::<2, 1>(at.clone()).into_dispatch(),
            x.scatter_nd(at, value, IndexingUpdateOp::Add)
                .into_dispatch(),
        ]
    });
    check(&[float([3, 4]), int([1], 3)], |x| {
        vec![
            f::<2>(&x[0])
                .gather_nd::<1, 1>(i::<1>(&x[1]))
                .into_dispatch(),
        ]
    });
}

#[test]
fn embeddings_and_their_gradients() {
    let inputs = [float([5, 3]), int([2, 4], 5)];
    let embed = |x: &[_]| vec![module::embedding(f::<2>(&x[0]), i::<2>(&x[1])).into_dispatch()];
    let program = trace(&inputs, embed);
    check_program(&program, &inputs);
    let vjp = program.vjp(&[0]).unwrap();
    check_program(&vjp, &[float([5, 3]), int([2, 4], 5), float([2, 4, 3])]);
}

#[test]
fn labels_of_each_example() {
    // Cross-entropy with labels that are mapped.
    let inputs = [float([2, 3]), int([2], 3)];
    let program = trace(&inputs, |x| {
        let (logits, labels) = (f::<2>(&x[0]), i::<1>(&x[1]));
        let log = burn::tensor::activation::log_softmax(logits, 1);
        vec![
            log.gather(1, labels.reshape([2, 1]))
                .sum()
                .neg()
                .into_dispatch(),
        ]
    });
    check_program(&program, &inputs);
    check_program(&program.gradient(&[0]).unwrap(), &inputs);
}
