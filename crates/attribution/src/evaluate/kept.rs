//! What an evaluation puts into its store: results as JSON, parameters as safetensors, to the bit.

use std::{collections::HashMap, fmt::Display};

use burn::tensor::{Bytes, DType, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{EvaluateError, estimate::Estimate};
use crate::StoreError;

/// The name of the tensor, and of what is told beside it.
const TENSOR: &str = "parameters";
const ABOUT: &str = "about";

/// What is told beside the parameters of a stage; numbers as bits, which come back as they were.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct About {
    /// The seconds that they took.
    seconds: u64,
    /// Of an estimate: the relative residual of its linear system, and whether that is within the tolerance.
    estimate: Option<(u64, bool)>,
}

/// The bytes of a result, which end with a newline.
pub(super) fn result(value: &impl Serialize) -> Result<Vec<u8>, EvaluateError> {
    let mut json = serde_json::to_vec_pretty(value).map_err(unencoded)?;
    json.push(b'\n');
    Ok(json)
}

/// What [`result`] made.
pub(super) fn read_result<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(words)
}

/// The bytes of parameters, and the seconds that they took.
pub(super) fn parameters(theta: &Tensor<1>, seconds: f64) -> Result<Vec<u8>, EvaluateError> {
    let about = About {
        seconds: seconds.to_bits(),
        estimate: None,
    };
    encode(theta, about)
}

/// What [`parameters`] made, in the place of `like`, of one of the lengths `dims`.
pub(super) fn read_parameters(
    bytes: &[u8],
    like: &Tensor<1>,
    dims: &[usize],
) -> Result<(Tensor<1>, f64), String> {
    let (theta, about) = decode(bytes, like, dims)?;
    Ok((theta, f64::from_bits(about.seconds)))
}

/// The bytes of an estimate.
pub(super) fn estimate(estimate: &Estimate) -> Result<Vec<u8>, EvaluateError> {
    let about = About {
        seconds: estimate.seconds.to_bits(),
        estimate: Some((estimate.residual.to_bits(), estimate.solved)),
    };
    encode(&estimate.change, about)
}

/// What [`estimate`] made, in the place of `like`.
pub(super) fn read_estimate(bytes: &[u8], like: &Tensor<1>) -> Result<Estimate, String> {
    let (change, about) = decode(bytes, like, &like.dims())?;
    let (residual, solved) = about.estimate.ok_or("it is no estimate")?;
    Ok(Estimate {
        change,
        residual: f64::from_bits(residual),
        solved,
        seconds: f64::from_bits(about.seconds),
    })
}

fn encode(vector: &Tensor<1>, about: About) -> Result<Vec<u8>, EvaluateError> {
    let data = vector.to_data();
    let dtype = match data.dtype() {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        other => return Err(unencoded(format!("parameters of type {other:?}"))),
    };
    let view = TensorView::new(dtype, data.shape().to_vec(), data.as_bytes()).map_err(unencoded)?;
    let about = serde_json::to_string(&about).map_err(unencoded)?;
    let about = HashMap::from([(ABOUT.to_owned(), about)]);
    serialize([(TENSOR, view)], Some(about)).map_err(unencoded)
}

/// The vector in the place of `like`, and what is told beside it.
fn decode(bytes: &[u8], like: &Tensor<1>, dims: &[usize]) -> Result<(Tensor<1>, About), String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(words)?;
    let about = header.metadata().as_ref().and_then(|it| it.get(ABOUT));
    let about = serde_json::from_str(about.ok_or("nothing is told beside the parameters")?);
    let file = SafeTensors::deserialize(bytes).map_err(words)?;
    let view = file.tensor(TENSOR).map_err(words)?;
    let [found] = *view.shape() else {
        return Err(format!("it has the shape {:?}", view.shape()));
    };
    let (dtype, expected) = (like.dtype(), dims[0]);
    if !dims.contains(&found) || view.data().len() != found * dtype.size() {
        return Err(format!(
            "it has {found} parameters in {} bytes, and there are {expected} of {dtype:?}",
            view.data().len()
        ));
    }
    let data = Bytes::from_bytes_vec(view.data().to_vec());
    let data = TensorData::from_bytes(data, [found], dtype);
    let vector = Tensor::from_data(data, (&like.device(), dtype));
    Ok((vector, about.map_err(words)?))
}

fn unencoded(error: impl Display) -> EvaluateError {
    let error = format!("it cannot be put into a file's format: {error}");
    StoreError::Other(error.into()).into()
}

fn words(error: impl Display) -> String {
    error.to_string()
}
