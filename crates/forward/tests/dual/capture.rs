//! What `Dual<CaptureBackend>` records: no more than the rules need.

use backdraft_forward::{Dual, DualTensor};
use burn_backend::TensorData;
use burn_backend::ops::{ActivationOps, ConvOptions, FloatTensorOps, ModuleOps};
use burn_backend::tensor::FloatTensor;
use burn_capture::{CaptureBackend, CaptureDevice};

type D = Dual<CaptureBackend>;

/// Makes tensors inside a capture scope.
struct Scope {
    device: CaptureDevice,
}

impl Scope {
    fn plain<const N: usize>(&self, shape: [usize; N]) -> FloatTensor<CaptureBackend> {
        let data = TensorData::zeros::<f32, _>(shape);
        CaptureBackend::float_from_data(data, &self.device)
    }

    fn constant<const N: usize>(&self, shape: [usize; N]) -> DualTensor<CaptureBackend> {
        DualTensor::constant(self.plain(shape))
    }

    fn moving<const N: usize>(&self, shape: [usize; N]) -> DualTensor<CaptureBackend> {
        DualTensor::new(self.plain(shape), self.plain(shape))
    }
}

/// The operations that `f` records on its tensors, in the notation of their `Debug`.
fn recorded<T>(f: impl FnOnce(&Scope) -> T) -> Vec<String> {
    let device = CaptureDevice::default();
    let captured = device.capture_scope(|scope| {
        f(&Scope { device });
        scope.complete([], [])
    });
    let operations = captured.expect("the scope is complete").graph.operations;
    let operations = operations.iter().map(|op| format!("{op:?}"));
    operations.filter(|op| !op.starts_with("Init(")).collect()
}

fn count(operations: &[String], name: &str) -> usize {
    let name = format!("{name}(");
    operations.iter().filter(|op| op.contains(&name)).count()
}

#[test]
fn constants_record_what_the_inner_backend_records() {
    let options = || ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
    let plain = recorded(|s| {
        let x = CaptureBackend::conv2d(
            s.plain([1, 2, 4, 4]),
            s.plain([3, 2, 3, 3]),
            None,
            options(),
        );
        let x = CaptureBackend::relu(x);
        let x = CaptureBackend::max_pool2d(x, [2, 2], [2, 2], [0, 0], [1, 1], false);
        let x = CaptureBackend::float_reshape(x, [1, 12].into());
        let x = CaptureBackend::linear(x, s.plain([12, 5]), Some(s.plain([5])));
        let x = CaptureBackend::layer_norm(x, s.plain([5]), None, 1e-5);
        CaptureBackend::log_softmax(CaptureBackend::gelu(x), 1)
    });
    let dual = recorded(|s| {
        let x = D::conv2d(
            s.constant([1, 2, 4, 4]),
            s.constant([3, 2, 3, 3]),
            None,
            options(),
        );
        let x = D::relu(x);
        let x = D::max_pool2d(x, [2, 2], [2, 2], [0, 0], [1, 1], false);
        let x = D::float_reshape(x, [1, 12].into());
        let x = D::linear(x, s.constant([12, 5]), Some(s.constant([5])));
        let x = D::layer_norm(x, s.constant([5]), None, 1e-5);
        D::log_softmax(D::gelu(x), 1)
    });
    assert_eq!(dual.len(), plain.len(), "{dual:#?}");
    for name in ["Conv2d", "MaxPool2d", "LayerNorm", "LogSoftmax", "Gelu"] {
        assert_eq!(count(&dual, name), count(&plain, name), "{name}");
        assert_eq!(count(&dual, name), 1, "{name}");
    }
}

#[test]
fn a_product_with_one_moving_factor_is_two_products() {
    let ops = recorded(|s| D::float_matmul(s.constant([2, 3]), s.moving([3, 4])));
    assert_eq!((count(&ops, "Matmul"), ops.len()), (2, 2), "{ops:#?}");
    let ops = recorded(|s| D::float_matmul(s.moving([2, 3]), s.moving([3, 4])));
    assert_eq!((count(&ops, "Matmul"), ops.len()), (3, 4), "{ops:#?}");
}

#[test]
fn a_shift_records_nothing_for_the_tangent() {
    let ops = recorded(|s| D::float_add_scalar(s.moving([2]), 1.0.into()));
    assert_eq!(ops.len(), 1, "{ops:#?}");
    let ops = recorded(|s| D::float_add(s.moving([2]), s.constant([2])));
    assert_eq!(ops.len(), 1, "{ops:#?}");
}

#[test]
fn a_layer_adds_its_bias_within_the_product() {
    let ops = recorded(|s| {
        let (weight, bias) = (s.moving([3, 4]), s.moving([4]));
        D::linear(s.constant([2, 3]), weight, Some(bias))
    });
    assert_eq!((count(&ops, "Linear"), ops.len()), (2, 2), "{ops:#?}");
}

#[test]
fn activations_record_their_fused_forms() {
    let ops = recorded(|s| D::relu(s.moving([2, 3])));
    assert_eq!((count(&ops, "ReluBackward"), ops.len()), (1, 2), "{ops:#?}");
    let ops = recorded(|s| D::sigmoid(s.moving([2, 3])));
    // Its own complement is another one, and both make the slope.
    assert_eq!((count(&ops, "Sigmoid"), ops.len()), (2, 5), "{ops:#?}");
    let ops = recorded(|s| D::softmax(s.moving([2, 3]), 1));
    // Where there is a class of most of the probability, and what the tangent is there; then y (t - sum y t).
    assert_eq!((count(&ops, "Softmax"), ops.len()), (1, 11), "{ops:#?}");
}

#[test]
fn a_second_derivative_is_recorded_too() {
    let ops = recorded(|s| {
        let x = DualTensor::<D>::new(s.moving([2, 3]), s.constant([2, 3]));
        Dual::<D>::float_exp(x)
    });
    // exp; its first derivatives along both directions; the second along both.
    assert_eq!(
        (count(&ops, "Exp"), count(&ops, "Mul"), ops.len()),
        (1, 3, 4),
        "{ops:#?}"
    );
}
