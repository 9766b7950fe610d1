//! What a network and a loss return, checked while they are traced: rows are examples, each for itself, and nothing is
//! repeated to fit.

use backdraft_program::{ErrorLocation, Program, ProgramError, Spec};
use burn::{Tensor, tensor::Shape};

use crate::{
    CurvatureError,
    trace::{Tracer, rows},
};

/// What was traced.
struct Traced {
    outputs: Program,
    losses: Option<Program>,
}

impl Tracer<'_> {
    /// Checks the network, and with `losses` the loss, for batches of these shapes, and with one example more: that
    /// tells what holds by chance alone, and which axes hold examples.
    pub(crate) fn check(&self, losses: bool) -> Result<(), CurvatureError> {
        let examples = self.examples();
        let traced = self.trace_both(losses)?;
        let specs = &self.with_one_more();
        let larger = Tracer { specs, ..*self }.trace_both(losses);
        let larger = larger.map_err(|error| match error {
            CurvatureError::Program(source) => CurvatureError::OneBatchSize { examples, source },
            error => error,
        })?;
        let (of, batch) = ("network", self.inputs().start..self.specs.len());
        if let Some(mixing) = traced.outputs.mixes(&larger.outputs, batch) {
            return Err(CurvatureError::Mixed { of, mixing });
        }
        if let (Some(losses), Some(larger)) = (traced.losses, larger.losses)
            && let Some(mixing) = losses.mixes(&larger, 0..losses.inputs().len())
        {
            return Err(CurvatureError::Mixed { of: "loss", mixing });
        }
        Ok(())
    }

    fn trace_both(&self, losses: bool) -> Result<Traced, CurvatureError> {
        let (outputs, spec) = self.trace_outputs()?;
        let losses = losses.then(|| self.trace_losses(&spec)).transpose()?;
        Ok(Traced { outputs, losses })
    }

    /// What the network returns, and its shape.
    fn trace_outputs(&self) -> Result<(Program, Spec), CurvatureError> {
        let examples = self.examples();
        let names = self.model.parameters().iter().map(|p| p.name.as_str());
        let settings = self.model.settings();
        let returned = Program::trace_as_written(&settings, self.specs, names, |arguments| {
            Ok(vec![self.model.returned(&arguments)])
        })?;
        let outputs = returned.outputs().remove(0);
        match outputs.shape.first() {
            Some(&rows) if rows == examples => Ok((returned, outputs)),
            _ => Err(CurvatureError::Outputs {
                examples,
                outputs: outputs.shape,
            }),
        }
    }

    /// What the loss makes of `outputs`, which the network returned.
    fn trace_losses(&self, outputs: &Spec) -> Result<Program, CurvatureError> {
        let examples = self.examples();
        let targets = &self.specs[self.inputs().end..];
        let shapes: Vec<Shape> = targets.iter().map(|spec| spec.shape.clone()).collect();
        if let Err(expected) = self.loss.fits(&outputs.shape, &shapes) {
            return Err(CurvatureError::Targets {
                outputs: outputs.shape.clone(),
                targets: shapes,
                expected,
            });
        }
        let width = outputs.shape.num_elements() / examples.max(1);
        let mut specs = vec![Spec::new([examples, width], outputs.dtype)];
        specs.extend_from_slice(targets);
        let losses = self.losses_as_written(&specs);
        // Whatever is wrong, this is where.
        let losses = losses.map_err(|error| error.moved(Some(ErrorLocation::In("loss".into()))))?;
        let found = losses.outputs()[0].shape[0];
        if found != examples {
            return Err(CurvatureError::Losses { examples, found });
        }
        let targets: Vec<_> = (1..specs.len()).collect();
        match losses.repeats(&[0], &targets) {
            Some((outputs, targets)) => Err(CurvatureError::Repeated {
                outputs: outputs.shape,
                targets: targets.shape,
            }),
            None => Ok(losses),
        }
    }

    fn losses_as_written(&self, specs: &[Spec]) -> Result<Program, ProgramError> {
        Program::trace_as_written(&self.model.settings(), specs, [""; 0], |arguments| {
            let outputs = Tensor::from_dispatch(arguments[0].clone());
            let losses = self.loss.losses(outputs, &rows(&arguments[1..]));
            Ok(vec![losses.into_dispatch()])
        })
    }

    /// Number of examples in a batch of these shapes.
    fn examples(&self) -> usize {
        self.specs[self.inputs().start].shape[0]
    }

    /// The same shapes with one example more.
    fn with_one_more(&self) -> Vec<Spec> {
        let mut specs = self.specs.to_vec();
        for spec in &mut specs[self.inputs().start..] {
            spec.shape[0] += 1;
        }
        specs
    }
}
