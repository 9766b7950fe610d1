//! LiSSA's recursion, for one or several right-hand sides.

use backdraft_optimize::norm;
use burn::tensor::Tensor;

use super::lissa::{NAME, Ready, SAFETY};
use super::vector::System;
use super::{Solution, SolveError, SolveInfo, remedy};

/// Steps between two looks at the recursion's norm.
const CHECK_EVERY: usize = 50;
/// How far beyond its bound the recursion may grow before it counts as divergent.
const GROWTH: f64 = 10.0;

/// Why a recursion goes no further.
enum Lost {
    /// It grew without bound.
    Diverged(SolveError),
    /// Its first product was NaN.
    NotFinite,
}

/// One of the systems that are solved at once.
struct RecursionSystem<'a> {
    /// Its place among them.
    place: usize,
    system: System<'a>,
    info: SolveInfo,
    /// The sum of the repeats so far.
    total: Tensor<1>,
}

impl Ready<'_> {
    /// Solves for all of `rhs`.
    pub(super) fn run(
        &self,
        rhs: &[Tensor<1>],
    ) -> Result<Vec<Result<Solution, SolveError>>, SolveError> {
        let config = self.config;
        let mut ends: Vec<Option<Result<Solution, SolveError>>> = Vec::new();
        let mut tasks = Vec::new();
        for (place, rhs) in rhs.iter().enumerate() {
            ends.push(match System::new(&self.operator, rhs) {
                Ok(Some(system)) => {
                    tasks.push(self.task(place, system));
                    None
                }
                Ok(None) => Some(Ok(Solution::zero(rhs, NAME, config.tolerance))),
                Err(error) => Some(Err(error)),
            });
        }
        let repeats = if self.exact() { 1 } else { config.repeats };
        for repeat in 0..repeats {
            let found = self.recursion(&tasks, repeat)?;
            let mut left = Vec::new();
            for (mut task, found) in tasks.into_iter().zip(found) {
                match found.and_then(|h| self.add(&mut task, h, repeat)) {
                    Ok(()) => left.push(task),
                    Err(error) => ends[task.place] = Some(Err(error)),
                }
            }
            tasks = left;
        }
        for task in tasks {
            let place = task.place;
            ends[place] = Some(self.end(task, repeats));
        }
        Ok(ends.into_iter().flatten().collect())
    }

    fn task<'a>(&self, place: usize, system: System<'a>) -> RecursionSystem<'a> {
        let mut info = SolveInfo::new(NAME, self.config.tolerance);
        info.scale = Some(self.scale);
        info.products = self.probe_products;
        RecursionSystem {
            place,
            total: system.rhs.zeros_like(),
            system,
            info,
        }
    }

    /// Adds what a repeat has come to.
    fn add(
        &self,
        task: &mut RecursionSystem<'_>,
        h: Tensor<1>,
        repeat: usize,
    ) -> Result<(), SolveError> {
        task.total = task.total.clone() + h;
        let (_, residual) = task.system.residual(&self.mean(task, repeat + 1))?;
        task.info.true_residual = residual;
        task.info.residuals.push(residual);
        task.info.iterations += self.config.depth;
        task.info.products += self.config.depth as f64 * self.share() + 1.0;
        Ok(())
    }

    fn mean(&self, task: &RecursionSystem<'_>, repeats: usize) -> Tensor<1> {
        task.total.clone() / (self.scale * repeats as f64)
    }

    fn end(&self, task: RecursionSystem<'_>, repeats: usize) -> Result<Solution, SolveError> {
        let config = self.config;
        let vector = task.system.unscaled(self.mean(&task, repeats))?;
        let info = task.info;
        Solution { vector, info }.judge(|_| {
            format!(
                "raise depth ({}: an eigenvalue lambda needs about {:.1e} / lambda steps), or repeats ({}), batch_size ({}) \
                 and the scale ({:.1e}, with depth in step) against the noise, or the damping; conjugate gradients are exact",
                config.depth,
                self.scale * (1.0 / config.tolerance).ln().max(1.0),
                config.repeats,
                config.batch_size,
                self.scale
            )
        })
    }

    /// Where the recursions of all tasks end after a repeat, over the same batches. One that diverges goes no further.
    fn recursion(
        &self,
        tasks: &[RecursionSystem<'_>],
        repeat: usize,
    ) -> Result<Vec<Result<Tensor<1>, SolveError>>, SolveError> {
        let mut batches = self.batches(repeat as u64);
        let mut ends: Vec<Option<SolveError>> = tasks.iter().map(|_| None).collect();
        // The tasks that go on, in the rows of `h`.
        let mut live: Vec<usize> = (0..tasks.len()).collect();
        let mut last = vec![(0, 1.0_f64); tasks.len()];
        let rows = |live: &[usize]| {
            let rows = live.iter().map(|&i| tasks[i].system.rhs.clone());
            (!live.is_empty()).then(|| Tensor::stack::<2>(rows.collect(), 0))
        };
        let Some(mut rhs) = rows(&live) else {
            return Ok(Vec::new());
        };
        let mut h = rhs.clone();
        for step in 1..=self.config.depth {
            h = self.step(&rhs, h, &batches.draw())?;
            if step != 1 && step % CHECK_EVERY != 0 && step != self.config.depth {
                continue;
            }
            let mut sound = Vec::new();
            for (place, &i) in live.iter().enumerate() {
                let norm = norm(&row(&h, place))?;
                match self.judge(repeat, step, norm, last[i]) {
                    None => {
                        last[i] = (step, norm);
                        sound.push(place);
                    }
                    Some(Lost::Diverged(error)) => ends[i] = Some(error),
                    Some(Lost::NotFinite) => {
                        let (what, rhs) = ("a product of lissa", &tasks[i].system.rhs);
                        ends[i] = Some(SolveError::not_finite(what, &self.operator, rhs));
                    }
                }
            }
            if sound.len() == live.len() {
                continue;
            }
            live = sound.iter().map(|&place| live[place]).collect();
            let Some(fewer) = rows(&live) else { break };
            rhs = fewer;
            h = Tensor::stack(sound.iter().map(|&place| row(&h, place)).collect(), 0);
        }
        let mut places = 0..live.len();
        let ends = ends.into_iter().map(|lost| match lost {
            Some(error) => Err(error),
            None => {
                let place = places.next().expect("those that are not lost are live");
                Ok(row(&h, place))
            }
        });
        Ok(ends.collect())
    }

    /// Whether a recursion of this norm, after what it had at an earlier step, is lost.
    fn judge(&self, repeat: usize, step: usize, norm: f64, last: (usize, f64)) -> Option<Lost> {
        if norm.is_nan() && step == 1 {
            return Some(Lost::NotFinite);
        }
        if !norm.is_nan() && norm <= GROWTH * (step + 1) as f64 {
            return None;
        }
        // The eigenvalue that grows so is scale * (1 + growth).
        let growth = (norm / last.1).powf(1.0 / (step - last.0) as f64);
        let growth = if growth.is_nan() { 9.0 } else { growth };
        let batches = match self.exact() {
            true => "",
            false => ", or larger batches",
        };
        Some(Lost::Diverged(SolveError::Diverged {
            repeat,
            step,
            norm,
            scale: self.scale,
            suggested: SAFETY * self.scale * (1.0 + growth),
            remedy: batches.to_owned() + &remedy::divergent(&self.operator),
        }))
    }

    /// One step of the recursions in the rows of `h`, which waits for nothing.
    pub(super) fn step(
        &self,
        rhs: &Tensor<2>,
        h: Tensor<2>,
        batch: &[usize],
    ) -> Result<Tensor<2>, SolveError> {
        let products = if self.exact() {
            // One after another: their bits do not depend on company, and operators keep what products share.
            let rows = (0..h.dims()[0]).map(|i| self.operator.product(row(&h, i)));
            Tensor::stack(rows.collect::<Result<_, _>>()?, 0)
        } else {
            self.operator.batch_products(batch, h.clone())?
        };
        Ok(rhs.clone() + h - products / self.scale)
    }
}

fn row(rows: &Tensor<2>, i: usize) -> Tensor<1> {
    rows.clone().slice(i..i + 1).squeeze_dim(0)
}
