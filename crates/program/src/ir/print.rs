//! Programs as people read them.

use std::fmt;

use burn_backend::{
    Slice,
    ops::{ConvOptions, ConvTransposeOptions},
};
use burn_ir::{
    ActivationOperationIr as Activation, BaseOperationIr as Base, DeformableConv2dOptionsIr,
    FloatOperationIr as Float, InterpolateOptionsIr, IrVisitorMut, ModuleOperationIr as Module,
    NumericOperationIr as Numeric, OperationIr, PadModeIr, ScalarIr, TensorIr,
};

use crate::ir::{operation::name, program::Program, spec::spec};

/// One line an operation: `%3: F32[8, 4] = Matmul(%0, %2)`. After the tensors that it reads come its numbers and its
/// settings, those left out that are as ever: strides, dilations and groups of one, no padding.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "program ({})", list(&self.inputs, typed))?;
        for (tensor, _) in &self.constants {
            writeln!(f, "  {} = constant", typed(tensor))?;
        }
        for op in &self.operations {
            let mut numbers = Scalars::default();
            op.clone().visit_mut(&mut numbers);
            let operands = op.inputs().map(reference).chain(numbers.0);
            writeln!(
                f,
                "  {} = {}({})",
                list(op.outputs(), typed),
                name(op),
                list(operands.chain(settings(op)), |x| x)
            )?;
        }
        write!(f, "  return {}", list(&self.outputs, reference))
    }
}

fn reference(tensor: &TensorIr) -> String {
    format!("%{}", tensor.id.value())
}

fn typed(tensor: &TensorIr) -> String {
    format!("{}: {}", reference(tensor), spec(tensor))
}

fn list<T>(items: impl IntoIterator<Item = T>, show: impl Fn(T) -> String) -> String {
    items.into_iter().map(show).collect::<Vec<_>>().join(", ")
}

/// The numbers that an operation computes with.
#[derive(Default)]
struct Scalars(Vec<String>);

impl IrVisitorMut for Scalars {
    fn visit_scalar_mut(&mut self, scalar: &mut ScalarIr) {
        self.0.push(match scalar {
            ScalarIr::Float(x) => x.to_string(),
            ScalarIr::Int(x) => x.to_string(),
            ScalarIr::UInt(x) => x.to_string(),
            ScalarIr::Bool(x) => x.to_string(),
        });
    }
}

/// What an operation does beyond its name, its operands and its numbers. Shapes and types are those of its results.
fn settings(op: &OperationIr) -> Vec<String> {
    match op {
        OperationIr::BaseFloat(op) | OperationIr::BaseInt(op) | OperationIr::BaseBool(op) => {
            base(op)
        }
        OperationIr::NumericFloat(_, op) | OperationIr::NumericInt(_, op) => numeric(op),
        OperationIr::Float(_, Float::Cross(d)) => vec![dim(d.dim)],
        OperationIr::Float(_, Float::GridSample2d(d)) => vec![
            set("mode", &d.options.mode),
            set("padding", &d.options.padding_mode),
            set("align_corners", d.options.align_corners),
        ],
        OperationIr::Module(op) => module(op),
        OperationIr::Activation(
            Activation::Softmax(d) | Activation::LogSoftmax(d) | Activation::Softmin(d),
        ) => vec![dim(d.axis)],
        _ => Vec::new(),
    }
}

fn set(name: &str, value: impl fmt::Debug) -> String {
    format!("{name}: {value:?}")
}

fn dim(dim: usize) -> String {
    set("dim", dim)
}

fn ranges(ranges: &[Slice]) -> String {
    format!("[{}]", list(ranges, Slice::to_string))
}

fn base(op: &Base) -> Vec<String> {
    match op {
        Base::SwapDims(d) => vec![set("dims", [d.dim1, d.dim2])],
        Base::Permute(d) => vec![set("axes", &d.axes)],
        Base::Flip(d) => vec![set("axes", &d.axes)],
        Base::Unfold(d) => vec![dim(d.dim), set("size", d.size), set("step", d.step)],
        Base::Slice(d) => vec![ranges(&d.ranges)],
        Base::SliceAssign(d) => vec![ranges(&d.ranges)],
        Base::Select(d) => vec![dim(d.dim)],
        Base::SelectAssign(d) => vec![dim(d.dim), set("update", d.update)],
        Base::Gather(d) => vec![dim(d.dim)],
        Base::Scatter(d) => vec![dim(d.dim), set("update", d.update)],
        Base::ScatterNd(d) => vec![set("update", d.reduction)],
        Base::RepeatDim(d) => vec![dim(d.dim), set("times", d.times)],
        Base::Cat(d) => vec![dim(d.dim)],
        Base::AllDim(d) | Base::AnyDim(d) => vec![dim(d.axis)],
        _ => Vec::new(),
    }
}

fn numeric(op: &Numeric) -> Vec<String> {
    match op {
        Numeric::MeanDim(d)
        | Numeric::SumDim(d)
        | Numeric::ProdDim(d)
        | Numeric::ArgMax(d)
        | Numeric::ArgMin(d)
        | Numeric::MaxDim(d)
        | Numeric::MinDim(d)
        | Numeric::MaxAbsDim(d)
        | Numeric::ArgTopK(d)
        | Numeric::TopK(d) => vec![dim(d.axis)],
        Numeric::SumDims(d) => vec![set("axes", &d.axes)],
        Numeric::TopKWithIndices(d) => vec![dim(d.dim)],
        Numeric::MaxDimWithIndices(d) | Numeric::MinDimWithIndices(d) => vec![dim(d.dim)],
        Numeric::CumSum(d) | Numeric::CumProd(d) | Numeric::CumMin(d) | Numeric::CumMax(d) => {
            vec![dim(d.axis)]
        }
        Numeric::Sort(d) | Numeric::ArgSort(d) => {
            vec![dim(d.dim), set("descending", d.descending)]
        }
        Numeric::SortWithIndices(d) => vec![dim(d.dim), set("descending", d.descending)],
        Numeric::Pad(d) => {
            let mode = match d.mode {
                // Its number is among the numbers.
                PadModeIr::Constant(_) => "constant",
                PadModeIr::Reflect => "reflect",
                PadModeIr::Edge => "edge",
            };
            vec![set("padding", &d.padding), format!("mode: {mode}")]
        }
        _ => Vec::new(),
    }
}

fn module(op: &Module) -> Vec<String> {
    match op {
        Module::Conv1d(d) => convolution(d.options.clone().into()),
        Module::Conv1dXBackward(d) => convolution(d.options.clone().into()),
        Module::Conv1dWeightBackward(d) => convolution(d.options.clone().into()),
        Module::Conv2d(d) => convolution(d.options.clone().into()),
        Module::Conv2dXBackward(d) => convolution(d.options.clone().into()),
        Module::Conv2dWeightBackward(d) => convolution(d.options.clone().into()),
        Module::Conv3d(d) => convolution(d.options.clone().into()),
        Module::Conv3dXBackward(d) => convolution(d.options.clone().into()),
        Module::Conv3dWeightBackward(d) => convolution(d.options.clone().into()),
        Module::ConvTranspose1d(d) => transposed(d.options.clone().into()),
        Module::ConvTranspose1dWeightBackward(d) => transposed(d.options.clone().into()),
        Module::ConvTranspose2d(d) => transposed(d.options.clone().into()),
        Module::ConvTranspose2dWeightBackward(d) => transposed(d.options.clone().into()),
        Module::ConvTranspose3d(d) => transposed(d.options.clone().into()),
        Module::ConvTranspose3dWeightBackward(d) => transposed(d.options.clone().into()),
        Module::DeformableConv2d(d) => deformable(&d.options),
        Module::DeformableConv2dBackward(d) => deformable(&d.options),
        Module::AvgPool1d(d) => average(
            [d.kernel_size, d.stride, d.padding].map(|n| [n]),
            d.count_include_pad,
            d.ceil_mode,
        ),
        Module::AvgPool1dBackward(d) => average(
            [d.kernel_size, d.stride, d.padding].map(|n| [n]),
            d.count_include_pad,
            d.ceil_mode,
        ),
        Module::AvgPool2d(d) => average(
            [d.kernel_size, d.stride, d.padding],
            d.count_include_pad,
            d.ceil_mode,
        ),
        Module::AvgPool2dBackward(d) => average(
            [d.kernel_size, d.stride, d.padding],
            d.count_include_pad,
            d.ceil_mode,
        ),
        Module::MaxPool1d(d) => maximum(
            [d.kernel_size, d.stride, d.padding, d.dilation].map(|n| [n]),
            d.ceil_mode,
        ),
        Module::MaxPool1dWithIndices(d) => maximum(
            [d.kernel_size, d.stride, d.padding, d.dilation].map(|n| [n]),
            d.ceil_mode,
        ),
        Module::MaxPool1dWithIndicesBackward(d) => maximum(
            [d.kernel_size, d.stride, d.padding, d.dilation].map(|n| [n]),
            d.ceil_mode,
        ),
        Module::MaxPool2d(d) => maximum(
            [d.kernel_size, d.stride, d.padding, d.dilation],
            d.ceil_mode,
        ),
        Module::MaxPool2dWithIndices(d) => maximum(
            [d.kernel_size, d.stride, d.padding, d.dilation],
            d.ceil_mode,
        ),
        Module::MaxPool2dWithIndicesBackward(d) => maximum(
            [d.kernel_size, d.stride, d.padding, d.dilation],
            d.ceil_mode,
        ),
        Module::Unfold4d(d) => {
            let options = &d.options;
            let windows = windows(options.stride, options.dilation);
            let padding = unless([0; 2], "padding", options.padding);
            let settings = [set("kernel", d.kernel_size)].into_iter();
            settings.chain(windows).chain(padding).collect()
        }
        Module::Interpolate(d) => resized(&d.options),
        Module::InterpolateBackward(d) => resized(&d.options),
        Module::Attention(d) => flag("causal", d.options.is_causal).collect(),
        _ => Vec::new(),
    }
}

/// A setting, unless it is as ever.
fn unless<T: PartialEq + fmt::Debug>(usual: T, name: &str, value: T) -> Option<String> {
    (value != usual).then(|| set(name, value))
}

fn flag(name: &str, is_set: bool) -> impl Iterator<Item = String> {
    is_set.then(|| name.to_owned()).into_iter()
}

/// Where windows begin, and how far apart their elements are.
fn windows<const N: usize>(
    stride: [usize; N],
    dilation: [usize; N],
) -> impl Iterator<Item = String> {
    let stride = unless([1; N], "stride", stride).into_iter();
    stride.chain(unless([1; N], "dilation", dilation))
}

fn convolution<const N: usize>(options: ConvOptions<N>) -> Vec<String> {
    windows(options.stride, options.dilation)
        .chain(unless([(0, 0); N], "padding", options.padding))
        .chain(unless(1, "groups", options.groups))
        .collect()
}

fn transposed<const N: usize>(options: ConvTransposeOptions<N>) -> Vec<String> {
    windows(options.stride, options.dilation)
        .chain(unless([0; N], "padding", options.padding))
        .chain(unless([0; N], "padding_out", options.padding_out))
        .chain(unless(1, "groups", options.groups))
        .collect()
}

fn deformable(options: &DeformableConv2dOptionsIr) -> Vec<String> {
    windows(options.stride, options.dilation)
        .chain(unless([0; 2], "padding", options.padding))
        .chain(unless(1, "weight_groups", options.weight_groups))
        .chain(unless(1, "offset_groups", options.offset_groups))
        .collect()
}

fn average<const N: usize>(
    [kernel, stride, padding]: [[usize; N]; 3],
    count_include_pad: bool,
    ceil: bool,
) -> Vec<String> {
    let padded = unless([0; N], "padding", padding);
    let counted = flag("count_include_pad", count_include_pad && padded.is_some());
    [set("kernel", kernel)]
        .into_iter()
        .chain(windows(stride, [1; N]))
        .chain(padded)
        .chain(counted)
        .chain(flag("ceil", ceil))
        .collect()
}

fn maximum<const N: usize>(
    [kernel, stride, padding, dilation]: [[usize; N]; 4],
    ceil: bool,
) -> Vec<String> {
    [set("kernel", kernel)]
        .into_iter()
        .chain(windows(stride, dilation))
        .chain(unless([0; N], "padding", padding))
        .chain(flag("ceil", ceil))
        .collect()
}

fn resized(options: &InterpolateOptionsIr) -> Vec<String> {
    [set("mode", &options.mode)]
        .into_iter()
        .chain(flag("align_corners", options.align_corners))
        .collect()
}
