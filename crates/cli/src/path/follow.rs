//! One path, point by point: from the folder where they are there.

use std::time::Instant;

use backdraft_curvature::Cost;
use backdraft_influence::{
    ResponseError, SolveError,
    path::{FollowedPath, NextPoint, PathConfig, PathEnd, PathError, PathPoint, ResponsePath},
};
use backdraft_report::{
    OutputError,
    path::{FollowedPathRecord, PathPointRecord, PathQueryRecord},
};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::run::{PathNetwork, PathsRun};
use crate::{
    CliError,
    display::target,
    groups::WeightGroup,
    progress::Bar,
    run_folder::{PARTS, SECONDS, seconds},
    tensors::Texts,
};

/// What is told beside a point's vectors.
const FACTS: &str = "facts";
/// A path that was followed, and the seconds that it took.
#[derive(Serialize, Deserialize)]
pub(super) struct Followed {
    pub record: FollowedPathRecord,
    pub seconds: f64,
}

/// A point's vectors, in the order in which they are kept.
const VECTORS: [&str; 3] = ["theta", "tangent", "second"];

impl PathsRun<'_> {
    /// The path of the changes of a group, number `place` of the run.
    pub(super) fn follow(
        &self,
        of: &PathNetwork,
        place: usize,
        group: &WeightGroup,
    ) -> Result<Followed, CliError> {
        let folder = self.network.store.folder();
        let done = format!("{PARTS}/path-{place}.json");
        if let Some(kept) = folder.json(&done)? {
            return Ok(kept);
        }
        let removal = group.removal(of.responses.cost().len());
        let kind = self.objective().kind();
        let objective = of.responses.objective(kind, removal)?;
        let path = ResponsePath::new(objective, &*of.solver, self.config(of))?;
        let (points, end, seconds) = self.points(&path, of, place)?;
        let start = Instant::now();
        let followed = FollowedPath::new(points, end)?;
        let record = self.record_of(of, group, &path, &followed)?;
        let seconds = seconds + start.elapsed().as_secs_f64();
        let found = Followed { record, seconds };
        folder.write_json(&done, &found)?;
        // As a later run finds it.
        Ok(folder.json(&done)?.unwrap_or(found))
    }

    /// How paths are followed.
    pub(super) fn config(&self, of: &PathNetwork) -> PathConfig {
        let (network, dtype) = (&self.network.inputs.network, of.responses.theta().dtype());
        self.args.config(network, dtype)
    }

    /// All points, the path's end, and the seconds that they took.
    fn points(
        &self,
        path: &ResponsePath<'_>,
        of: &PathNetwork,
        place: usize,
    ) -> Result<(Vec<PathPoint>, PathEnd, f64), CliError> {
        let (mut points, mut total) = (Vec::new(), 0.0);
        while let Some((point, seconds)) = self.kept(of, place, points.len())? {
            points.push(point);
            total += seconds;
        }
        // In thousandths of the way.
        let bar = Bar::new("following", 1_000);
        loop {
            let start = Instant::now();
            let next = match points.last() {
                None => NextPoint::Point(Box::new(path.start()?)),
                Some(last) => path.next(last)?,
            };
            let seconds = start.elapsed().as_secs_f64();
            total += seconds;
            match next {
                NextPoint::End(end) => return Ok((points, end, total)),
                NextPoint::Point(point) => {
                    let place = (place, points.len());
                    self.keep(&point, seconds, place)?;
                    // As a later run finds it.
                    let kept = self.kept(of, place.0, place.1)?;
                    let point = kept.map_or(*point, |it| it.0);
                    let eps = point.facts.eps;
                    bar.message(format!("path {}, eps {eps:.4}", place.0 + 1));
                    bar.set((1_000.0 * (1.0 - eps)).round() as u64);
                    points.push(point);
                }
            }
        }
    }

    fn keep(
        &self,
        point: &PathPoint,
        seconds: f64,
        (path, place): (usize, usize),
    ) -> Result<(), CliError> {
        let vectors = [&point.theta, &point.tangent, &point.second];
        let vectors = VECTORS.into_iter().zip(vectors);
        let tensors: Vec<_> = vectors
            .map(|(name, it)| (name.to_owned(), it.to_data()))
            .collect();
        let facts = serde_json::to_string(&point.facts);
        let facts = facts.map_err(|error| OutputError::encode("a point of a path", error))?;
        let texts = Texts::from([
            (SECONDS.to_owned(), seconds.to_string()),
            (FACTS.to_owned(), facts),
        ]);
        let folder = self.network.store.folder();
        folder.write_tensors(&name(path, place), &tensors, texts)
    }

    fn kept(
        &self,
        of: &PathNetwork,
        path: usize,
        place: usize,
    ) -> Result<Option<(PathPoint, f64)>, CliError> {
        let (folder, name) = (self.network.store.folder(), name(path, place));
        let Some((tensors, texts)) = folder.tensors(&name)? else {
            return Ok(None);
        };
        let theta = of.responses.theta();
        let vector = |wanted: &str| {
            let found = tensors.iter().find(|(name, _)| name == wanted);
            let data = found.map(|(_, data)| data.clone());
            data.map(|it| Tensor::<1>::from_data(it, (&theta.device(), theta.dtype())))
        };
        let facts = texts.get(FACTS).map(|text| serde_json::from_str(text));
        match (VECTORS.map(vector), facts) {
            ([Some(theta), Some(tangent), Some(second)], Some(Ok(facts))) => {
                let point = PathPoint {
                    theta,
                    tangent,
                    second,
                    facts,
                };
                Ok(Some((point, seconds(&texts))))
            }
            _ => Err(folder.damaged(&name, "it holds no point of a path")),
        }
    }

    fn record_of(
        &self,
        of: &PathNetwork,
        group: &WeightGroup,
        path: &ResponsePath<'_>,
        followed: &FollowedPath,
    ) -> Result<FollowedPathRecord, CliError> {
        let dataset = &self.network.inputs.dataset;
        let (first, last) = (followed.first(), followed.last());
        let (newton, no_newton) = newton(path, followed)?;
        let span = followed.span();
        let mut others = vec![
            first.tangent.clone() * -span,
            last.tangent.clone() * -span,
            first.predicted(last.facts.eps) - first.theta.clone(),
        ];
        others.extend(newton.clone());
        let one = match group.changes.as_slice() {
            [(example, -1.0)] => Some(*example),
            _ => None,
        };
        let moved = first.theta.clone() - of.responses.theta().clone();
        let points = followed.points().iter();
        let points = points.map(|point| self.point_record(of, point));
        let points: Vec<PathPointRecord> = points.collect::<Result<_, _>>()?;
        Ok(FollowedPathRecord {
            name: group.name.clone(),
            train: one,
            source: one.map(|it| dataset.train_place(it)),
            label: one.map(|it| target(dataset, &dataset.train, it)),
            examples: group.changes.len(),
            weight_change: group.weight_change(),
            ended: followed.end().clone(),
            from_trained: moved.square().sum().into_scalar::<f64>().sqrt(),
            straightness: followed.straightness()?,
            tangent_gap: followed.tangent_gap()?,
            landings: followed.landings(newton.as_ref())?,
            no_newton,
            projection: followed.projection(&others)?,
            queries: self.query_records(of, followed, newton.as_ref(), &points)?,
            points,
        })
    }

    /// A point with what it does to the queries, in the unit.
    fn point_record(
        &self,
        of: &PathNetwork,
        point: &PathPoint,
    ) -> Result<PathPointRecord, CliError> {
        let factor = self.network.unit.loss_factor;
        let at = of.queries.at(point.theta.clone())?;
        let mut facts = point.facts.clone();
        for value in [&mut facts.value, &mut facts.taken, &mut facts.taken_slope] {
            *value *= factor;
        }
        Ok(PathPointRecord {
            facts,
            losses: scaled(at.losses()?, factor),
            slopes: scaled(at.directional_derivatives(point.tangent.clone())?, factor),
        })
    }

    fn query_records(
        &self,
        of: &PathNetwork,
        followed: &FollowedPath,
        newton: Option<&Tensor<1>>,
        points: &[PathPointRecord],
    ) -> Result<Vec<PathQueryRecord>, CliError> {
        let factor = self.network.unit.loss_factor;
        let at: Cost = of.queries.at(followed.first().theta.clone())?;
        let newton = newton.map(|it| at.directional_derivatives(it.clone()));
        let newton = newton.transpose()?.map(|it| scaled(it, factor));
        let (first, last) = (&points[0], &points[points.len() - 1]);
        let span = followed.span();
        let indices = of.query_indices.iter().enumerate();
        let records = indices.map(|(place, &query)| PathQueryRecord {
            query,
            actual: last.losses[place] - first.losses[place],
            influence_at_one: -span * first.slopes[place],
            influence_at_end: -span * last.slopes[place],
            newton: newton.as_ref().map(|it| it[place]),
        });
        Ok(records.collect())
    }
}

/// The Newton estimate from a path's first point to its end; or why there is none.
fn newton(
    path: &ResponsePath<'_>,
    followed: &FollowedPath,
) -> Result<(Option<Tensor<1>>, Option<String>), CliError> {
    match path.newton(followed.first(), followed.last().facts.eps) {
        Ok(solution) => Ok((Some(solution.vector), None)),
        Err(PathError::Response(ResponseError::Solve(error)))
            if matches!(
                *error,
                SolveError::NegativeCurvature { .. }
                    | SolveError::NotPositiveDefinite { .. }
                    | SolveError::NotConverged { .. }
            ) =>
        {
            Ok((None, Some(error.to_string())))
        }
        Err(error) => Err(error.into()),
    }
}

fn scaled(numbers: Tensor<1>, factor: f64) -> Vec<f64> {
    numbers
        .into_data()
        .iter::<f64>()
        .map(|it| factor * it)
        .collect()
}

fn name(path: usize, place: usize) -> String {
    format!("{PARTS}/path-{path}-{place}.safetensors")
}
