//! Convolutions in one and two dimensions on a processor.
//!
//! burn-flex writes out the patches of every image, and computes a weight's gradient as a convolution with a kernel as
//! large as the image. Here the sums read their terms where they are. Positions of a row are neighbours in memory, and
//! so are their terms for one place in the kernel, once the image has a frame of zeros and, for a stride, is split by
//! remainder: a convolution is then a combination of shifted rows, in whole registers. Its transpose is another, and
//! the derivative in the weight correlates rows. Some positions between the rows are computed and thrown away.
//!
//! Numbers in the frame are multiplied like others: a weight that is not finite makes what it reaches there NaN.

mod axis;
mod convolution;
mod pass;
mod plane_map;
mod real;
mod row_correlation;
mod weighted_rows;

use burn::backend::Dispatch;
use burn_backend::{DType, TensorData, ops::FloatTensorOps, tensor::FloatTensor, try_read_sync};
use burn_ir::OperationIr;

use crate::{
    ir::{environment::Env, error::ProgramError, value::Value},
    kernels::direct_convolution::{
        pass::{Pass, Wanted},
        real::Real,
    },
    quirks::device::is_flex,
};

/// Runs `op` if it is a convolution of this kind.
pub(crate) fn special(
    e: &mut Env<Dispatch>,
    op: &OperationIr,
) -> Option<Result<Value<Dispatch>, ProgramError>> {
    let pass = Pass::of(op).filter(|_| is_flex(e.device))?;
    let run = match pass.out.dtype {
        DType::F32 => run::<f32>,
        DType::F64 => run::<f64>,
        _ => return None,
    };
    // All are taken, so that those at their last use are freed.
    let operands = op.inputs().map(|operand| e.float(operand)).collect();
    let out = Dispatch::float_from_data(run(&pass, operands), e.device);
    Some(Ok(Value::Float(out)))
}

fn run<T: Real>(pass: &Pass, operands: Vec<FloatTensor<Dispatch>>) -> TensorData {
    let read = |i: usize| {
        let data = try_read_sync(Dispatch::float_into_data(operands[i].clone()));
        data.expect("in memory").expect("computed")
    };
    let [first, second] = pass.factors.map(read);
    let bias = pass.bias.map(read);
    let numbers = |data| TensorData::as_slice::<T>(data).expect("of the result's type");
    let (first, second) = (numbers(&first), numbers(&second));
    let bias = bias.as_ref().map_or(&[][..], numbers);
    let out = match pass.wanted {
        Wanted::Output => pass.convolution.output(first, second, bias),
        Wanted::Input => pass.convolution.input(first, second, bias),
        Wanted::Weight => pass.convolution.weight(first, second),
    };
    TensorData::new(out, pass.out.shape.clone())
}
