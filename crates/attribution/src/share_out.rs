//! Queries that several devices of one process share out.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread::{self, Builder},
};

use backdraft_curvature::IntoRows;
use burn::tensor::{Device, Tensor, TensorData};

use crate::{AttributionError, Influence, Measurement, ScoreChunk, Scores, Shard};

/// What `work` makes of each of `places`, of all at once: the first on the thread that asks, every other on one of its
/// own. Each is told its part of whatever there is to do, so that who does what depends on nothing else. In the order of
/// the places; all have ended when it returns.
///
/// # Errors
/// The first place's that has one.
///
/// # Panics
/// As `work` does: a device's failure is a panic, on whatever thread.
pub fn share_out<P: Sync, R: Send, E: Send>(
    places: &[P],
    work: impl Fn(&P, Shard) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let count = places.len();
    let part = |at: usize| {
        let index = at + 1;
        let work = || work(&places[at], Shard { index, count });
        catch_unwind(AssertUnwindSafe(work))
    };
    let part = &part;
    let done: Vec<_> = thread::scope(|scope| {
        let others = (1..count).map(|at| {
            let name = format!("part {}/{count}", at + 1);
            let thread = Builder::new().name(name);
            // Where there is no thread to be had, this one does it.
            (at, thread.spawn_scoped(scope, move || part(at)).ok())
        });
        let others: Vec<_> = others.collect();
        let first = (count > 0).then(|| part(0));
        let others = others.into_iter().map(|(at, thread)| match thread {
            Some(thread) => thread.join().unwrap_or_else(Err),
            None => part(at),
        });
        first.into_iter().chain(others).collect()
    });
    done.into_iter()
        .map(|it| it.unwrap_or_else(|panic| resume_unwind(panic)))
        .collect()
}

impl Influence {
    /// The same on another device, with a copy of the training examples.
    ///
    /// # Errors
    /// [`AttributionError::Curvature`] if network or examples cannot be read.
    pub fn to_device(&self, device: &Device) -> Result<Self, AttributionError> {
        self.config.over(self.train.to_device(device)?)
    }

    /// The [`scores`](Self::scores), with the queries dealt out to `devices`, each with all training examples and a
    /// thread of its own: rows of scores in blocks of `block`, which are solved for together, in turn. Nothing is sent
    /// between devices but solved rows, and on devices of one kind the bits are those of any one of them. A processor may
    /// be named several times.
    ///
    /// For fewer blocks than devices there is [`scores_in_parts`](Self::scores_in_parts).
    ///
    /// # Errors
    /// [`AttributionError::Setting`] if there is no device, or a block is of no row; otherwise as
    /// [`scores`](Self::scores).
    pub fn scores_over(
        &self,
        devices: &[Device],
        block: usize,
        measurement: &Measurement,
        inputs: impl IntoRows,
    ) -> Result<Scores, AttributionError> {
        let refuse = |name, problem: &str| {
            let problem = problem.to_owned();
            Err(AttributionError::Setting { name, problem })
        };
        if devices.is_empty() {
            return refuse("devices", "is empty: name one at least");
        }
        if block == 0 {
            return refuse("block", "is 0, must be positive");
        }
        let (queries, outputs) = self.measured(measurement, inputs.rows())?;
        let mean = measurement.is_mean();
        let rows: Vec<usize> = (0..if mean { 1 } else { queries.len() }).collect();
        let blocks: Vec<&[usize]> = rows.chunks(block).collect();
        let found = share_out(devices, |device, shard| {
            let influence = self.to_device(device)?;
            let queries = queries.to_device(device)?;
            let inverse = influence.solver().prepare(influence.matrix())?;
            let own = blocks.iter().enumerate().filter(|(at, _)| shard.has(*at));
            let scored = own.map(|(at, rows)| {
                let measured = (&queries, mean);
                let chunk =
                    ScoreChunk::of(influence.train(), measured, rows, &*inverse, |row, it| {
                        let query = row / outputs;
                        it.map_err(|source| AttributionError::Query { query, source })
                    });
                Ok((at, chunk?))
            });
            scored.collect::<Result<Vec<_>, AttributionError>>()
        })?;
        let mut found: Vec<(usize, ScoreChunk)> = found.into_iter().flatten().collect();
        found.sort_by_key(|(at, _)| *at);
        let (mut values, mut solves) = (Vec::new(), Vec::new());
        for (_, chunk) in found {
            values.extend(chunk.values);
            solves.extend(chunk.solves);
        }
        let model = self.train.model();
        let values = TensorData::new(values, [rows.len(), self.train.len()]);
        Ok(Scores {
            values: Tensor::from_data(values, (model.device(), model.dtype())),
            solutions: None,
            solves,
            queries,
            outputs,
            mean,
            of_loss: measurement.is_loss(),
        })
    }
}
