//! What the weight of one example does.

use backdraft_influence::{
    DirectConfig, Solver,
    path::{GradientFlow, GradientFlowConfig},
    response::{Removal, ResponseKind, Responses, estimate},
};
use burn::tensor::Tensor;

use super::{HomotopyConfig, HomotopyPoint, STOP, WeightState, data::Data};
use crate::illustration::{IllustrationError, UnitParameters, draw::host};

/// What all points share.
pub(super) struct Points<'a> {
    pub config: &'a HomotopyConfig,
    pub data: &'a Data,
    pub responses: &'a Responses,
    /// The minimum with all examples.
    pub minimum: &'a Tensor<1>,
    pub times: Vec<f64>,
}

impl Points<'_> {
    pub fn compute(&self, example: usize) -> Result<HomotopyPoint, IllustrationError> {
        let (path, thetas) = self.path(example)?;
        let first = &thetas[0];
        let last = &thetas[thetas.len() - 1];
        let predicted = self.predicted(example)?;
        let way = distance(first, last);
        let without = Tensor::from_data(
            last.as_slice(),
            (&self.minimum.device(), self.minimum.dtype()),
        );
        Ok(HomotopyPoint {
            example,
            curve_without: host(self.data.curve.at(without)?.outputs()?)?,
            predicted: self.unit(&predicted),
            bend: bend(&thetas) / way,
            jumps: jumps(&thetas)
                .into_iter()
                .map(|it| path[it].weight)
                .collect(),
            prediction_error: distance(&predicted, last) / way,
            flows: self.flows(example)?,
            path,
        })
    }

    /// The minima from the weight 1 to 0, each found from the one before.
    fn path(&self, example: usize) -> Result<(Vec<WeightState>, Vec<Vec<f64>>), IllustrationError> {
        let n = self.data.cost.len() as f64;
        let mut theta = self.minimum.clone();
        let (mut path, mut thetas) = (Vec::new(), Vec::new());
        for step in 0..=self.config.steps {
            let weight = 1.0 - step as f64 / self.config.steps as f64;
            let removal = Removal::downweight(vec![example], (1.0 - weight) / n);
            let objective = self
                .responses
                .objective(ResponseKind::Retraining, removal)?;
            let found = objective.minimize(theta, STOP)?;
            theta = found.theta;
            let numbers = host(theta.clone())?;
            path.push(WeightState {
                weight,
                unit: self.unit(&numbers),
                gradient_norm: found.gradient_norms.last().copied().unwrap_or_default(),
            });
            thetas.push(numbers);
        }
        Ok((path, thetas))
    }

    /// The parameters without the example, by influence with the Hessian at the minimum.
    fn predicted(&self, example: usize) -> Result<Vec<f64>, IllustrationError> {
        let cost = self.data.cost.at(self.minimum.clone())?;
        let hessian = cost.hessian();
        let solver = DirectConfig::default().init()?;
        let inverse = solver.prepare(&hessian)?;
        let removal = Removal::of(vec![example], cost.len());
        let change = estimate(&cost, &*inverse, &removal)?.vector;
        Ok(host(self.minimum.clone() + change)?)
    }

    fn flows(&self, example: usize) -> Result<Vec<Vec<UnitParameters>>, IllustrationError> {
        let flow: GradientFlow = GradientFlowConfig::default().init()?;
        let start = self.data.cost.model().theta();
        let weights = &self.config.flow_weights;
        let surface = flow.surface(self.responses, &[example], weights, &start, &self.times)?;
        let units = surface.into_iter().map(|path| {
            let states = path.states.into_iter();
            states.map(|it| Ok(self.unit(&host(it.theta)?))).collect()
        });
        units.collect()
    }

    fn unit(&self, theta: &[f64]) -> UnitParameters {
        UnitParameters::of(self.data.cost.model(), theta, self.config.unit)
    }
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let apart = difference(a, b);
    dot(&apart, &apart).sqrt()
}

/// Steps of a continuous way are no longer than so many usual ones.
const LEAP: f64 = 8.0;

/// The points that are further from the one before than steps of a continuous way are.
fn jumps(points: &[Vec<f64>]) -> Vec<usize> {
    let steps = points.windows(2).map(|pair| distance(&pair[0], &pair[1]));
    let steps: Vec<f64> = steps.collect();
    let mut sorted = steps.clone();
    sorted.sort_by(f64::total_cmp);
    let usual = sorted[sorted.len() / 2];
    let all = steps.iter().enumerate();
    let leaps = all.filter(|(_, step)| **step > LEAP * usual);
    leaps.map(|(before, _)| before + 1).collect()
}

/// The largest distance of points from the line between the first and the last.
fn bend(points: &[Vec<f64>]) -> f64 {
    let first = &points[0];
    let line = difference(&points[points.len() - 1], first);
    let square = dot(&line, &line);
    let off = points.iter().map(|point| {
        let along = dot(&difference(point, first), &line) / square;
        let foot: Vec<f64> = first
            .iter()
            .zip(&line)
            .map(|(a, b)| a + along * b)
            .collect();
        distance(point, &foot)
    });
    off.fold(0.0, f64::max)
}
