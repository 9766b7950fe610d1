//! Whether numbers are finite.

use burn::{
    Tensor,
    tensor::{Bool, Shape},
};

use crate::{CurvatureError, Rows};

/// Whether all numbers of `results` are finite: a reduction on the device each, and one number read.
pub(crate) fn are_finite(results: &[Rows]) -> Result<bool, CurvatureError> {
    let sound: Vec<Tensor<1, Bool>> = floats(results).map(|it| it.is_finite().all()).collect();
    Ok(match sound.len() {
        0 => true,
        1 => Tensor::cat(sound, 0).try_into_scalar()?,
        _ => Tensor::cat(sound, 0).all().try_into_scalar()?,
    })
}

/// The first number of `results` that `wrong` is said of, and its position in its tensor.
pub(crate) fn first(
    results: &[Rows],
    wrong: impl Fn(f64) -> bool,
) -> Result<Option<(usize, f64)>, CurvatureError> {
    for numbers in floats(results) {
        let numbers = numbers.try_into_vec_as::<f64>()?;
        if let Some(position) = numbers.iter().position(|&x| wrong(x)) {
            return Ok(Some((position, numbers[position])));
        }
    }
    Ok(None)
}

/// The float tensors that are not empty, flat.
fn floats(results: &[Rows]) -> impl Iterator<Item = Tensor<1>> {
    let floats = results.iter().filter(|rows| rows.is_float());
    floats
        .map(Rows::flat)
        .filter(|flat| flat.shape() != Shape::new([0]))
}
