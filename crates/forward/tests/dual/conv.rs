//! Convolutions, their transposes, and the operations of their reverse passes.

use burn_backend::ops::{ConvOptions, ConvTransposeOptions, DeformConvOptions, ModuleOps};

use crate::support::{Outer, check, check_with, floats, spread};

/// The shapes of input, weight, bias and output's gradient.
type Shapes<const D: usize> = [[usize; D]; 3];

fn inputs<const D: usize>([x, weight, grad]: Shapes<D>) -> [burn_flex::FlexTensor; 3] {
    [
        spread(x, -2.0, 2.0),
        spread(weight, -1.0, 1.0),
        spread(grad, -1.0, 1.5),
    ]
}

#[test]
fn conv1d() {
    let options = ConvOptions::new([2], [1], [2], 2);
    let [x, weight, grad] = inputs([[2, 4, 7], [6, 2, 2], [2, 6, 4]]);
    let bias = spread([6], -1.0, 1.0);
    let all = [x.clone(), weight.clone(), bias.clone()];
    check("conv1d", all, |[x, w, b]| {
        Outer::conv1d(x, w, Some(b), options.clone())
    });
    let all = [x, weight, grad];
    check("conv1d_x_backward", all.clone(), |[x, w, g]| {
        Outer::conv1d_x_backward(x, w, g, options.clone())
    });
    check("conv1d_weight_backward", all.clone(), |[x, w, g]| {
        Outer::conv1d_weight_backward(x, w, g, options.clone())
    });
    let [x, _, grad] = all;
    check("conv1d_bias_backward", [x, bias, grad], |[x, b, g]| {
        Outer::conv1d_bias_backward(x, b, g)
    });
}

#[test]
fn conv2d() {
    for (options, grad) in [
        (ConvOptions::new([1, 1], [0, 0], [1, 1], 1), [2, 4, 4, 3]),
        (ConvOptions::new([2, 1], [1, 1], [1, 2], 1), [2, 4, 3, 3]),
    ] {
        check_conv2d(options, [[2, 2, 5, 4], [4, 2, 2, 2], grad]);
    }
    let grouped = ConvOptions::new([1, 1], [1, 0], [1, 1], 2);
    check_conv2d(grouped, [[2, 2, 5, 4], [4, 1, 2, 2], [2, 4, 6, 3]]);
    let lopsided = ConvOptions::new_with_padding([1, 1], [(0, 1), (1, 0)], [1, 1], 1);
    check_conv2d(lopsided, [[2, 2, 5, 4], [4, 2, 2, 2], [2, 4, 5, 4]]);
}

fn check_conv2d(options: ConvOptions<2>, shapes: Shapes<4>) {
    let [x, weight, grad] = inputs(shapes);
    let bias = spread([4], -1.0, 1.0);
    let all = [x.clone(), weight.clone(), bias.clone()];
    check("conv2d", all, |[x, w, b]| {
        Outer::conv2d(x, w, Some(b), options.clone())
    });
    check("conv2d, no bias", [x.clone(), weight.clone()], |[x, w]| {
        Outer::conv2d(x, w, None, options.clone())
    });
    let all = [x, weight, grad];
    check("conv2d_x_backward", all.clone(), |[x, w, g]| {
        Outer::conv2d_x_backward(x, w, g, options.clone())
    });
    check("conv2d_weight_backward", all.clone(), |[x, w, g]| {
        Outer::conv2d_weight_backward(x, w, g, options.clone())
    });
    let [x, _, grad] = all;
    check("conv2d_bias_backward", [x, bias, grad], |[x, b, g]| {
        Outer::conv2d_bias_backward(x, b, g)
    });
}

#[test]
fn conv3d() {
    let options = ConvOptions::new([1, 2, 1], [0, 1, 0], [1, 1, 1], 1);
    let [x, weight, grad] = inputs([[1, 2, 2, 3, 3], [2, 2, 2, 2, 2], [1, 2, 1, 2, 2]]);
    let bias = spread([2], -1.0, 1.0);
    let all = [x.clone(), weight.clone(), bias.clone()];
    check("conv3d", all, |[x, w, b]| {
        Outer::conv3d(x, w, Some(b), options.clone())
    });
    let all = [x, weight, grad];
    check("conv3d_x_backward", all.clone(), |[x, w, g]| {
        Outer::conv3d_x_backward(x, w, g, options.clone())
    });
    check("conv3d_weight_backward", all.clone(), |[x, w, g]| {
        Outer::conv3d_weight_backward(x, w, g, options.clone())
    });
    let [x, _, grad] = all;
    check("conv3d_bias_backward", [x, bias, grad], |[x, b, g]| {
        Outer::conv3d_bias_backward(x, b, g)
    });
}

#[test]
fn conv_transpose1d() {
    let options = ConvTransposeOptions::new([2], [1], [0], [1], 1);
    let [x, weight, grad] = inputs([[2, 2, 3], [2, 3, 3], [2, 3, 5]]);
    let bias = spread([3], -1.0, 1.0);
    let all = [x.clone(), weight.clone(), bias.clone()];
    check("conv_transpose1d", all, |[x, w, b]| {
        Outer::conv_transpose1d(x, w, Some(b), options.clone())
    });
    let pair = [weight.clone(), grad.clone()];
    check("conv_transpose1d_x_backward", pair, |[w, g]| {
        Outer::conv_transpose1d_x_backward(w, g, options.clone())
    });
    let all = [x.clone(), weight, grad.clone()];
    check("conv_transpose1d_weight_backward", all, |[x, w, g]| {
        Outer::conv_transpose1d_weight_backward(x, w, g, options.clone())
    });
    let all = [x, bias, grad];
    check("conv_transpose1d_bias_backward", all, |[x, b, g]| {
        Outer::conv_transpose1d_bias_backward(x, b, g)
    });
}

#[test]
fn conv_transpose2d() {
    let options = ConvTransposeOptions::new([2, 1], [1, 0], [1, 0], [1, 1], 2);
    let [x, weight, grad] = inputs([[1, 2, 3, 2], [2, 2, 2, 2], [1, 4, 5, 3]]);
    let bias = spread([4], -1.0, 1.0);
    let all = [x.clone(), weight.clone(), bias.clone()];
    check("conv_transpose2d", all, |[x, w, b]| {
        Outer::conv_transpose2d(x, w, Some(b), options.clone())
    });
    let pair = [weight.clone(), grad.clone()];
    check("conv_transpose2d_x_backward", pair, |[w, g]| {
        Outer::conv_transpose2d_x_backward(w, g, options.clone())
    });
    let all = [x.clone(), weight, grad.clone()];
    check("conv_transpose2d_weight_backward", all, |[x, w, g]| {
        Outer::conv_transpose2d_weight_backward(x, w, g, options.clone())
    });
    let all = [x, bias, grad];
    check("conv_transpose2d_bias_backward", all, |[x, b, g]| {
        Outer::conv_transpose2d_bias_backward(x, b, g)
    });
}

#[test]
fn conv_transpose3d() {
    let options = ConvTransposeOptions::new([1, 2, 1], [0, 0, 0], [0, 0, 0], [1, 1, 1], 1);
    let [x, weight, grad] = inputs([[1, 2, 1, 2, 2], [2, 2, 2, 2, 1], [1, 2, 2, 4, 2]]);
    let bias = spread([2], -1.0, 1.0);
    let all = [x.clone(), weight.clone(), bias.clone()];
    check("conv_transpose3d", all, |[x, w, b]| {
        Outer::conv_transpose3d(x, w, Some(b), options.clone())
    });
    let pair = [weight.clone(), grad.clone()];
    check("conv_transpose3d_x_backward", pair, |[w, g]| {
        Outer::conv_transpose3d_x_backward(w, g, options.clone())
    });
    let all = [x.clone(), weight, grad.clone()];
    check("conv_transpose3d_weight_backward", all, |[x, w, g]| {
        Outer::conv_transpose3d_weight_backward(x, w, g, options.clone())
    });
    let all = [x, bias, grad];
    check("conv_transpose3d_bias_backward", all, |[x, b, g]| {
        Outer::conv_transpose3d_bias_backward(x, b, g)
    });
}

#[test]
fn deformable_convolution() {
    let options = DeformConvOptions::new([1, 1], [0, 0], [1, 1], 1, 1);
    let offset = constant(spread([1, 8, 3, 3], -0.3, 0.3));
    let mask = constant(spread([1, 4, 3, 3], 0.3, 1.0));
    let [x, weight, grad] = inputs([[1, 2, 4, 4], [3, 2, 2, 2], [1, 3, 3, 3]]);
    let bias = spread([3], -1.0, 1.0);
    let all = [x.clone(), weight.clone(), bias];
    check("deform_conv2d", all, |[x, w, b]| {
        let (offset, mask) = (offset.clone(), mask.clone());
        Outer::deform_conv2d(x, offset, w, Some(mask), Some(b), options.clone())
    });
    // The backend computes this one in single precision; it is linear, so the step can be large.
    let (x, weight) = (constant(x), constant(weight));
    check_with("deform_conv2d_backward", [grad], 1.0, 1e-5, |[g]| {
        let (x, offset, weight) = (x.clone(), offset.clone(), weight.clone());
        let options = options.clone();
        Outer::deform_conv2d_backward(x, offset, weight, None, None, g, options).x_grad
    });
}

#[test]
fn the_shape_alone_of_a_weight_matters_to_its_gradient() {
    let grad = floats(vec![1.0; 4], [1, 1, 2, 2]);
    let [x, weight] = [
        spread([1, 1, 3, 3], -1.0, 1.0),
        spread([1, 1, 2, 2], 0.0, 1.0),
    ];
    let (x, grad) = (constant(x), constant(grad));
    check("weight's shape", [weight], |[w]| {
        let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
        let out = Outer::conv2d_weight_backward(x.clone(), w, grad.clone(), options);
        assert!(out.tangent().is_none(), "only the shape is used");
        out
    });
}

fn constant(x: burn_flex::FlexTensor) -> crate::support::Tensor {
    use backdraft_forward::DualTensor;
    DualTensor::constant(DualTensor::constant(x))
}
