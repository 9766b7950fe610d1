//! The flow of all examples, and what follows others.

use backdraft_influence::{
    ResponseError,
    path::{FlowPath, FlowState, GradientFlow},
    response::{Minimum, Removal, ResponseKind, ResponseObjective, Responses, Stop},
};
use backdraft_report::{
    flow::{MinimumRecord, TrainingState},
    short,
};
use burn::tensor::{Tensor, TensorData};

use super::{
    exact::ExactNetwork,
    kept::{self, Timed, named},
    run::FlowRun,
};
use crate::{
    CliError,
    progress::{Bar, warn},
    tensors::NamedTensors,
};

/// When a minimum is one. A flow's end is near it, so that the gradient has little left to fall by.
const STOP: Stop = Stop {
    tolerance: 1e-6,
    decrease: 1e-9,
    max_steps: 5_000,
};

/// What the flow of all examples came to, and what follows the others.
pub(super) struct Followed<'a> {
    pub(super) run: &'a FlowRun<'a>,
    pub(super) exact: &'a ExactNetwork,
    pub(super) responses: &'a Responses,
    method: GradientFlow,
    bar: &'a Bar,
    /// At all times at which flows are told or switched.
    pub(super) training: Vec<FlowState>,
    pub minimum: FoundMinimum,
    /// Of each stage.
    pub seconds: Vec<(&'static str, f64)>,
}

/// A minimum, and what is told of it.
pub(super) struct FoundMinimum {
    pub theta: Tensor<1>,
    pub record: MinimumRecord,
}

impl<'a> Followed<'a> {
    /// Follows the flow of all examples, and finds its end.
    pub fn new(
        run: &'a FlowRun<'a>,
        exact: &'a ExactNetwork,
        responses: &'a Responses,
        method: GradientFlow,
        bar: &'a Bar,
    ) -> Result<Self, CliError> {
        let mut times: Vec<f64> = [0.0].into_iter().chain(run.args.ends()).collect();
        times.extend(run.args.switches());
        times.sort_by(f64::total_cmp);
        times.dedup();
        let all = responses.objective(ResponseKind::Retraining, Removal::none())?;
        let theta = exact.start();
        let mut followed = Self {
            minimum: FoundMinimum {
                theta: theta.clone(),
                record: MinimumRecord {
                    converged: false,
                    gradient_norm: 0.0,
                    test_loss: 0.0,
                },
            },
            run,
            exact,
            responses,
            method,
            bar,
            training: Vec::new(),
            seconds: Vec::new(),
        };
        let path = followed.path("flow-training.safetensors", &all, (0.0, theta), &times)?;
        let found = followed.minimum("minimum-training.safetensors", &all, &path.result)?;
        followed.training = path.result;
        followed.minimum = found.result;
        followed.seconds = vec![
            ("flow with all", path.seconds),
            ("minimum with all", found.seconds),
        ];
        Ok(followed)
    }

    /// Says how many flows there are for so many removals.
    pub fn expect(&self, removals: usize) {
        let args = &self.run.args;
        let each = 1 + args.switches().len() + args.eps.len();
        self.bar.begin(1, 1 + (removals * each) as u64);
    }

    /// A flow of an objective from parameters at a time, kept under a name.
    pub(super) fn path(
        &self,
        key: &str,
        objective: &ResponseObjective<'_>,
        from: (f64, Tensor<1>),
        times: &[f64],
    ) -> Result<Timed<Vec<FlowState>>, CliError> {
        let found = kept::tensors(self.run.network.store, key, || {
            encode(&self.follow(objective, from, times)?)
        })?;
        let Timed { seconds, result } = found;
        let result = self.decode(&result)?;
        Ok(Timed { seconds, result })
    }

    /// The same, which is not kept.
    pub(super) fn follow(
        &self,
        objective: &ResponseObjective<'_>,
        from: (f64, Tensor<1>),
        times: &[f64],
    ) -> Result<FlowPath, CliError> {
        let end = times.last().copied().unwrap_or_default();
        let tell = |time: f64| {
            self.bar
                .message(format!("time {} of {}", short(time), short(end)));
        };
        let path = self.method.follow_with(objective, from, times, tell)?;
        self.bar.inc(1);
        Ok(path)
    }

    /// The minimum that a flow of an objective leads to, kept under a name.
    pub(super) fn minimum(
        &self,
        key: &str,
        objective: &ResponseObjective<'_>,
        flow: &[FlowState],
    ) -> Result<Timed<FoundMinimum>, CliError> {
        let found = kept::tensors(self.run.network.store, key, || {
            let (minimum, converged) = lowest(objective, flow)?;
            let left = minimum.gradient_norms.last().copied().unwrap_or_default();
            let numbers = vec![f64::from(u8::from(converged)), left];
            Ok(vec![
                ("theta".to_owned(), minimum.theta.into_data()),
                ("told".to_owned(), TensorData::new(numbers, [2])),
            ])
        })?;
        let theta = self.exact.vector(named(&found.result, "theta")?);
        let told: Vec<f64> = named(&found.result, "told")?.iter::<f64>().collect();
        let converged = told[0] != 0.0;
        if !converged {
            warn(
                "a minimum was not reached: L-BFGS ran out of steps, and distances are those to where it came",
            );
        }
        let factor = self.run.network.unit.loss_factor;
        let record = MinimumRecord {
            converged,
            gradient_norm: factor * told[1],
            test_loss: factor * self.exact.loss(&self.exact.tests, &theta)?,
        };
        let seconds = found.seconds;
        let result = FoundMinimum { theta, record };
        Ok(Timed { seconds, result })
    }

    /// The training example with the highest loss at the end of the flow with all.
    pub fn worst(&self) -> Result<usize, CliError> {
        let end = self.training[self.training.len() - 1].theta.clone();
        let losses = self.exact.train.at(end)?.losses()?.into_data();
        let losses: Vec<f64> = losses.iter::<f64>().collect();
        let places = 0..losses.len();
        let worst = places.max_by(|a, b| losses[*a].total_cmp(&losses[*b]).then(b.cmp(a)));
        Ok(worst.unwrap_or_default())
    }

    /// The flow with all examples as it is told.
    pub fn training_states(&self) -> Result<Vec<TrainingState>, CliError> {
        let factor = self.run.network.unit.loss_factor;
        let told = self.training.iter().map(|state| {
            Ok(TrainingState {
                time: state.time,
                objective: factor * state.value,
                gradient_norm: factor * state.gradient_norm,
                test_loss: factor * self.exact.loss(&self.exact.tests, &state.theta)?,
                distance: self.exact.distance(&state.theta, &self.minimum.theta)?,
            })
        });
        told.collect()
    }

    /// A flow as it was kept.
    fn decode(&self, kept: &NamedTensors) -> Result<Vec<FlowState>, CliError> {
        let numbers =
            |name| Ok::<_, CliError>(named(kept, name)?.iter::<f64>().collect::<Vec<_>>());
        let [times, values, norms] = ["time", "value", "gradient_norm"].map(numbers);
        let (times, values, norms) = (times?, values?, norms?);
        let theta = named(kept, "theta")?;
        let [count, dim] = [
            times.len(),
            theta.shape().num_elements() / times.len().max(1),
        ];
        let theta = self.exact.vector(theta).reshape([count, dim]);
        let states = (0..count).map(|place| FlowState {
            time: times[place],
            theta: theta.clone().slice(place..place + 1).squeeze_dim(0),
            value: values[place],
            gradient_norm: norms[place],
        });
        Ok(states.collect())
    }
}

/// A flow as it is kept.
fn encode(path: &FlowPath) -> Result<NamedTensors, CliError> {
    let count = path.states.len();
    let numbers = |name: &str, of: fn(&FlowState) -> f64| {
        let numbers: Vec<f64> = path.states.iter().map(of).collect();
        (name.to_owned(), TensorData::new(numbers, [count]))
    };
    let rows = path.states.iter().map(|it| it.theta.clone()).collect();
    let theta = Tensor::cat(rows, 0).into_data();
    Ok(vec![
        numbers("time", |it| it.time),
        numbers("value", |it| it.value),
        numbers("gradient_norm", |it| it.gradient_norm),
        ("theta".to_owned(), theta),
    ])
}

/// The minimum that L-BFGS comes to from the end of a flow, or how far it came; and whether it is the first. Where the
/// objective is not convex a small gradient may lie far from a minimum, which L-BFGS refuses to look for: then it begins
/// from earlier times of the flow. If it comes to nothing from all, it is the flow's end.
fn lowest(
    objective: &ResponseObjective<'_>,
    flow: &[FlowState],
) -> Result<(Minimum, bool), CliError> {
    for state in flow.iter().rev() {
        match objective.minimize(state.theta.clone(), STOP) {
            Ok(minimum) => return Ok((minimum, true)),
            Err(ResponseError::NotConverged { minimum, .. }) => return Ok((*minimum, false)),
            Err(ResponseError::Diverged) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let end = &flow[flow.len() - 1];
    let minimum = Minimum {
        theta: end.theta.clone(),
        values: vec![end.value],
        gradient_norms: vec![end.gradient_norm],
    };
    Ok((minimum, false))
}
