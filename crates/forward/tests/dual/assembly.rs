//! Views, indexing and assembling from parts.

use burn_backend::ops::{
    FloatTensorOps, GridSampleOptions, GridSamplePaddingMode, InterpolateMode, PadMode,
};
use burn_backend::tensor::IndexingUpdateOp;
use burn_backend::{FloatDType, Shape, Slice, read_sync};

use crate::support::{Outer, Tensor, bools, check, ints, spread};

fn x() -> [burn_flex::FlexTensor; 1] {
    [spread([2, 3, 4], -2.0, 2.0)]
}

fn slices() -> [Slice; 3] {
    [
        Slice::from(0..2),
        Slice::from(1..3),
        Slice::new(0, Some(4), 2),
    ]
}

#[test]
fn views() {
    type Row = (&'static str, fn(Tensor) -> Tensor);
    let table: [Row; 12] = [
        ("reshape", |x| Outer::float_reshape(x, Shape::new([4, 6]))),
        ("transpose", Outer::float_transpose),
        ("swap_dims", |x| Outer::float_swap_dims(x, 0, 2)),
        ("permute", |x| Outer::float_permute(x, &[2, 0, 1])),
        ("flip", |x| Outer::float_flip(x, &[0, 2])),
        ("repeat_dim", |x| Outer::float_repeat_dim(x, 1, 3)),
        ("slice", |x| Outer::float_slice(x, &slices())),
        ("unfold", |x| Outer::float_unfold(x, 2, 2, 1)),
        ("to_device", |x| {
            Outer::float_to_device(x, &Default::default())
        }),
        ("cast", |x| Outer::float_cast(x, FloatDType::F64)),
        ("set_require_grad", |x| {
            Outer::float_set_require_grad(x, false)
        }),
        ("expand", |x| {
            let x = Outer::float_reshape(x, Shape::new([1, 24]));
            Outer::float_expand(x, Shape::new([3, 24]))
        }),
    ];
    for (name, f) in table {
        check(name, x(), |[x]| f(x));
    }
}

#[test]
fn padding() {
    let modes = [PadMode::Constant(1.5), PadMode::Reflect, PadMode::Edge];
    for mode in modes {
        check(&format!("pad {mode:?}"), x(), |[x]| {
            Outer::float_pad(x, &[(0, 0), (1, 2), (2, 1)], mode)
        });
    }
}

#[test]
fn picking() {
    let places = ints(vec![2, 0, 2], [3]);
    check("select", x(), |[x]| {
        Outer::float_select(x, 1, places.clone())
    });
    let places = ints(vec![1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 1], [1, 3, 4]);
    check("gather", x(), |[x]| {
        Outer::float_gather(0, x, places.clone())
    });
    let places = ints(vec![0, 2, 1, 1], [2, 2]);
    check("gather_nd", x(), |[x]| {
        Outer::float_gather_nd(x, places.clone())
    });
    let mask = mask();
    check("mask_select", x(), |[x]| {
        read_sync(Outer::float_mask_select(x, mask.clone()))
    });
}

#[test]
fn masking() {
    let mask = mask();
    check("mask_fill", x(), |[x]| {
        Outer::float_mask_fill(x, mask.clone(), 0.3.into())
    });
    let inputs = [spread([2, 3, 4], -2.0, 2.0), spread([2, 3, 4], -1.0, 1.0)];
    check("mask_where", inputs, |[x, value]| {
        Outer::float_mask_where(x, mask.clone(), value)
    });
    let inputs = [spread([1, 3, 1], -2.0, 2.0), spread([1, 1, 4], -1.0, 1.0)];
    check("mask_where, broadcasting", inputs, |[x, value]| {
        Outer::float_mask_where(x, mask.clone(), value)
    });
}

#[test]
fn concatenating() {
    let parts = [
        spread([2, 1], -2.0, 2.0),
        spread([2, 3], -1.0, 1.0),
        spread([2, 2], -1.5, 1.0),
    ];
    check("cat", parts, |parts| Outer::float_cat(parts.into(), 1));
}

#[test]
fn writing_at_indices() {
    let inputs = || [spread([4, 3], -2.0, 2.0), spread([2, 3], 0.5, 1.5)];
    let rows = ints(vec![2, 0], [2]);
    let places = ints(vec![3, 0, 1, 1, 2, 0], [2, 3]);
    let points = ints(vec![3, 1], [2, 1]);
    for update in [IndexingUpdateOp::Assign, IndexingUpdateOp::Add] {
        check(&format!("select_assign {update:?}"), inputs(), |[x, y]| {
            Outer::float_select_assign(x, 0, rows.clone(), y, update)
        });
        check(&format!("scatter {update:?}"), inputs(), |[x, y]| {
            Outer::float_scatter(0, x, places.clone(), y, update)
        });
        check(&format!("scatter_nd {update:?}"), inputs(), |[x, y]| {
            Outer::float_scatter_nd(x, points.clone(), y, update)
        });
    }
    let repeated = ints(vec![1, 1], [2]);
    check("select_assign, twice the same row", inputs(), |[x, y]| {
        Outer::float_select_assign(x, 0, repeated.clone(), y, IndexingUpdateOp::Add)
    });
    let factors = Tensor::constant(backdraft_forward::DualTensor::constant(spread(
        [2, 3],
        0.5,
        1.5,
    )));
    check("scatter_nd Mul", [spread([4, 3], -2.0, 2.0)], |[x]| {
        let points = points.clone();
        Outer::float_scatter_nd(x, points, factors.clone(), IndexingUpdateOp::Mul)
    });
}

#[test]
fn writing_a_slice() {
    let inputs = [spread([2, 3, 4], -2.0, 2.0), spread([2, 2, 2], -1.0, 1.0)];
    check("slice_assign", inputs, |[x, value]| {
        Outer::float_slice_assign(x, &slices(), value)
    });
}

#[test]
fn grid_sampling() {
    for padding in [GridSamplePaddingMode::Zeros, GridSamplePaddingMode::Border] {
        let options = GridSampleOptions::new(InterpolateMode::Bilinear).with_padding_mode(padding);
        let inputs = [
            spread([1, 2, 4, 4], -2.0, 2.0),
            spread([1, 3, 2, 2], -0.8, 0.8),
        ];
        check(
            &format!("grid_sample_2d {padding:?}"),
            inputs,
            |[x, grid]| Outer::float_grid_sample_2d(x, grid, options.clone()),
        );
    }
}

fn mask() -> burn_flex::FlexTensor {
    bools((0..24).map(|i| i % 5 < 2).collect(), [2, 3, 4])
}
