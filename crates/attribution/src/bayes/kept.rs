//! A chain as safetensors, to the bit.

use std::{collections::HashMap, fmt::Display};

use backdraft_influence::bayes::{ChainState, CoMoments};
use burn::tensor::{Bytes, DType, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// What is told beside the numbers.
const ABOUT: &str = "about";

#[derive(Serialize, Deserialize)]
struct About {
    steps: usize,
    /// As bits, which come back as they were.
    seconds: u64,
    /// Draws of each block.
    counts: Vec<usize>,
}

pub(super) fn encode(state: &ChainState) -> Result<Vec<u8>, StoreError> {
    let about = About {
        steps: state.steps,
        seconds: state.seconds.to_bits(),
        counts: state.blocks.iter().map(|it| it.count).collect(),
    };
    let of_blocks = |of: fn(&CoMoments) -> &Vec<f64>| -> TensorData {
        let numbers: Vec<f64> = state.blocks.iter().flat_map(of).copied().collect();
        let length = numbers.len();
        TensorData::new(numbers, [length])
    };
    let list = |numbers: &[f64]| TensorData::new(numbers.to_vec(), [numbers.len()]);
    let tensors = [
        ("theta", state.theta.to_data()),
        ("losses", list(&state.losses)),
        ("measured", list(&state.measured)),
        ("block_losses", of_blocks(|it| &it.losses)),
        ("block_measured", of_blocks(|it| &it.measured)),
        ("block_products", of_blocks(|it| &it.products)),
    ];
    let mut views = Vec::new();
    for (name, data) in &tensors {
        let dtype = match data.dtype() {
            DType::F64 => Dtype::F64,
            DType::F32 => Dtype::F32,
            DType::F16 => Dtype::F16,
            DType::BF16 => Dtype::BF16,
            other => return Err(unencoded(format!("parameters of type {other:?}"))),
        };
        let view = TensorView::new(dtype, data.shape().to_vec(), data.as_bytes());
        views.push((*name, view.map_err(unencoded)?));
    }
    let about = serde_json::to_string(&about).map_err(unencoded)?;
    let about = HashMap::from([(ABOUT.to_owned(), about)]);
    serialize(views, Some(about)).map_err(unencoded)
}

/// What [`encode`] made of a chain with parameters like `like`.
pub(super) fn decode(chain: usize, bytes: &[u8], like: &Tensor<1>) -> Result<ChainState, String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(words)?;
    let about = header.metadata().as_ref().and_then(|it| it.get(ABOUT));
    let about = about.ok_or("nothing is told beside the numbers")?;
    let about: About = serde_json::from_str(about).map_err(words)?;
    let file = SafeTensors::deserialize(bytes).map_err(words)?;
    let data = |name: &str, dtype: DType| -> Result<TensorData, String> {
        let view = file.tensor(name).map_err(words)?;
        let shape = view.shape().to_vec();
        if view.data().len() != shape.iter().product::<usize>() * dtype.size() {
            return Err(format!("`{name}` is of another type"));
        }
        let bytes = Bytes::from_bytes_vec(view.data().to_vec());
        Ok(TensorData::from_bytes(bytes, shape, dtype))
    };
    let list = |name: &str| -> Result<Vec<f64>, String> {
        Ok(data(name, DType::F64)?.iter::<f64>().collect())
    };
    let theta = data("theta", like.dtype())?;
    if theta.shape().to_vec() != like.dims() {
        return Err("it is of another network".into());
    }
    let theta = Tensor::from_data(theta, (&like.device(), like.dtype()));
    let lists = [
        list("block_losses")?,
        list("block_measured")?,
        list("block_products")?,
    ];
    let mut state = ChainState::resumed(chain, theta, about.steps);
    state.losses = list("losses")?;
    state.measured = list("measured")?;
    state.blocks = blocks(&about.counts, &lists);
    state.seconds = f64::from_bits(about.seconds);
    Ok(state)
}

/// The moments of each block, of as many numbers each.
fn blocks(counts: &[usize], lists: &[Vec<f64>; 3]) -> Vec<CoMoments> {
    let blocks = counts.len().max(1);
    let part = |list: &Vec<f64>, block: usize| {
        let length = list.len() / blocks;
        list[block * length..][..length].to_vec()
    };
    let block = |(block, &count): (usize, &usize)| CoMoments {
        count,
        losses: part(&lists[0], block),
        measured: part(&lists[1], block),
        products: part(&lists[2], block),
    };
    counts.iter().enumerate().map(block).collect()
}

pub(super) fn unencoded(error: impl Display) -> StoreError {
    StoreError::Other(format!("it cannot be put into a file's format: {error}").into())
}

fn words(error: impl Display) -> String {
    error.to_string()
}
