//! Descents that can be stopped: what they came to is kept, and where they stand on the way.

use std::time::{Duration, Instant};

use backdraft_curvature::Cost;
use backdraft_influence::unlearn::{
    DescentState, Memory, ShuffledBatches, StepPlan, WeightedDescent,
};
use burn::tensor::{Tensor, TensorData};

use crate::{
    CliError,
    progress::Bar,
    run_folder::{PARTS, RunFolder, SECONDS, seconds},
    tensors::Texts,
};

/// Steps between two looks at the clock.
const CHUNK: usize = 64;

const THETA: &str = "theta";
const MOMENT: &str = "moment.";
const STEP: &str = "step";

/// Where a descent came, and the seconds that it took by itself.
#[derive(Clone)]
pub(super) struct Reached {
    pub state: DescentState,
    pub seconds: f64,
}

/// What descents of a run share.
pub(super) struct Descents<'a> {
    pub folder: &'a RunFolder,
    pub cost: &'a Cost,
    /// Between two checkpoints.
    pub pause: Duration,
}

impl Descents<'_> {
    /// Descends from `from` until so many steps are made since the start of the training, by those of `plan`; from the
    /// folder, where an earlier run came there, or on the way.
    pub fn reach(
        &self,
        name: &str,
        (descent, plan): (&WeightedDescent, &ShuffledBatches),
        from: &DescentState,
        until: usize,
    ) -> Result<Reached, CliError> {
        let (end, way) = (part(name), part(&format!("{name}-stopped")));
        if let Some(found) = self.kept(&end)? {
            return Ok(found);
        }
        let stopped = self.kept(&way)?;
        let mut reached = stopped.unwrap_or_else(|| Reached {
            state: from.clone(),
            seconds: 0.0,
        });
        let bar = Bar::new("descending", 0);
        bar.message(name.to_owned());
        let first = from.step;
        let mut stored = Instant::now();
        while reached.state.step < until {
            let start = Instant::now();
            let at = reached.state.step;
            let next = until.min(at + CHUNK);
            let state = reached.state;
            reached = Reached {
                state: descent.run(state, plan.steps(at..next), |_| {})?,
                seconds: reached.seconds + start.elapsed().as_secs_f64(),
            };
            bar.at((next - first) as u64, (until - first) as u64);
            if stored.elapsed() >= self.pause && next < until {
                self.keep(&way, &reached)?;
                stored = Instant::now();
            }
        }
        self.keep(&end, &reached)?;
        self.folder.remove(&way)?;
        Ok(reached)
    }

    /// Parameters that were computed at once, from the folder where they are there.
    pub fn computed(
        &self,
        name: &str,
        compute: impl FnOnce() -> Result<Tensor<1>, CliError>,
    ) -> Result<Reached, CliError> {
        let name = part(name);
        if let Some(found) = self.kept(&name)? {
            return Ok(found);
        }
        let start = Instant::now();
        let reached = Reached {
            state: DescentState::start(compute()?),
            seconds: start.elapsed().as_secs_f64(),
        };
        self.keep(&name, &reached)?;
        Ok(reached)
    }

    fn kept(&self, name: &str) -> Result<Option<Reached>, CliError> {
        let Some((tensors, texts)) = self.folder.tensors(name)? else {
            return Ok(None);
        };
        let step = texts.get(STEP).and_then(|text| text.parse().ok());
        let find = |name: &str| tensors.iter().find(|it| it.0 == name).map(|it| &it.1);
        let (Some(step), Some(theta)) = (step, find(THETA)) else {
            return Err(self.folder.damaged(name, "it holds no state of a descent"));
        };
        let model = self.cost.model();
        let place = (model.device(), model.dtype());
        let tensor = |data: &TensorData| Tensor::from_data(data.clone(), place);
        let moments = (0..).map_while(|place| find(&format!("{MOMENT}{place}")));
        Ok(Some(Reached {
            state: DescentState {
                theta: tensor(theta),
                memory: Memory::after(step, moments.map(tensor).collect()),
                step,
            },
            seconds: seconds(&texts),
        }))
    }

    fn keep(&self, name: &str, reached: &Reached) -> Result<(), CliError> {
        let Reached { state, seconds } = reached;
        let mut tensors = vec![(THETA.to_owned(), state.theta.to_data())];
        let moments = state.memory.moments().iter().enumerate();
        tensors.extend(moments.map(|(place, it)| (format!("{MOMENT}{place}"), it.to_data())));
        let texts = Texts::from([
            (STEP.to_owned(), state.step.to_string()),
            (SECONDS.to_owned(), seconds.to_string()),
        ]);
        self.folder.write_tensors(name, &tensors, texts)
    }
}

fn part(name: &str) -> String {
    format!("{PARTS}/{name}.safetensors")
}
