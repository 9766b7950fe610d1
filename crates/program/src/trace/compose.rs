//! Programs of which one computes with the outputs of the other, as one.

use crate::{
    ir::{error::ProgramError, program::Program},
    run::compiled::Compiled,
};

impl Compiled {
    /// What `then` makes of some arguments and this program's outputs, as one program: of `(arguments .., own arguments
    /// ..)`.
    ///
    /// # Errors
    /// [`ProgramError::Arity`] if `then` takes fewer tensors than this program gives; those of [`Program::trace`].
    pub fn then(&self, then: &Self) -> Result<Self, ProgramError> {
        let (first, then) = (self.program(), then.program());
        let (expected, found) = (then.inputs.len(), first.outputs.len());
        let more = expected
            .checked_sub(found)
            .ok_or(ProgramError::Arity { expected, found })?;
        let mut inputs = then.inputs();
        inputs.truncate(more);
        inputs.extend(first.inputs());
        let whole = Program::trace(first.settings(), &inputs, |mut inputs| {
            let own = inputs.split_off(more);
            inputs.extend(first.call(own)?);
            then.call(inputs)
        })?;
        Ok(whole.bind(self.device()))
    }
}
