//! Whether the model can read the examples, where they are.

use crate::{
    CurvatureError, Model, Rows, Slot,
    data::{Batch, Data},
    loss::AnyLoss,
};

/// Checks the number of an input's tensors.
pub(super) fn check_arity(model: &Model, found: usize) -> Result<(), CurvatureError> {
    let expected = model.arity();
    if expected == found {
        Ok(())
    } else {
        Err(CurvatureError::Inputs { expected, found })
    }
}

/// Checks examples that are held; those of a stream are checked as they come.
pub(super) fn check_data(model: &Model, data: &Data) -> Result<(), CurvatureError> {
    match data {
        Data::Held(batch) => check_batch(model, batch),
        Data::Streamed { .. } => Ok(()),
    }
}

/// Checks that the model can read a batch where it is.
pub(super) fn check_batch(model: &Model, batch: &Batch) -> Result<(), CurvatureError> {
    check_slots(model.slots(), batch)?;
    for (index, rows) in batch.iter().enumerate() {
        if rows.device() != *model.device() {
            let (of, index) = match index.checked_sub(model.arity()) {
                None => ("an input", index),
                Some(index) => ("a target", index),
            };
            return Err(CurvatureError::Placement {
                what: format!("tensor {index} of {of}"),
                found: format!("on {:?}", rows.device()),
                expected: format!("on {:?}", model.device()),
            });
        }
    }
    Ok(())
}

/// Checks the rank and kind of each tensor of the inputs.
pub(super) fn check_slots(slots: &[Slot], batch: &Batch) -> Result<(), CurvatureError> {
    for (index, (slot, rows)) in slots.iter().zip(batch).enumerate() {
        if !slot.takes(rows) {
            return Err(CurvatureError::Input {
                index,
                expected: *slot,
                found: Box::new(rows.spec()),
            });
        }
    }
    Ok(())
}

/// Checks that `targets` are what `loss` reads.
pub(super) fn check_targets(loss: &dyn AnyLoss, targets: &[Rows]) -> Result<(), CurvatureError> {
    let slots = loss.slots();
    let (expected, found) = (slots.len(), targets.len());
    if expected != found {
        return Err(CurvatureError::TargetTensors { expected, found });
    }
    let wrong = |(slot, rows): &(&Slot, &Rows)| !slot.takes(rows);
    match slots.iter().zip(targets).position(|it| wrong(&it)) {
        Some(index) => Err(CurvatureError::TargetTensor {
            index,
            expected: slots[index],
            found: Box::new(targets[index].spec()),
        }),
        None => Ok(()),
    }
}
