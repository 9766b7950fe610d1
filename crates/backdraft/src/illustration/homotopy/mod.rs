//! Where the minimum goes while an example's weight falls.

mod data;
mod point;

use backdraft_influence::response::{Removal, ResponseKind, Responses, Stop};
use burn::{config::Config, tensor::Device};
use serde::Serialize;

use self::{data::Data, point::Points};
use super::{
    IllustrationError, UnitParameters,
    draw::{check, evenly, host},
};

/// Where inputs lie.
const RANGE: [f64; 2] = [-2.0, 2.0];
/// Places at which functions are drawn.
const CURVE: usize = 121;
/// When a minimum is one.
const STOP: Stop = Stop {
    tolerance: 1e-9,
    decrease: 0.0,
    max_steps: 5_000,
};
/// Times at which flows are told.
const TIMES: usize = 60;

/// Settings of a [`Homotopy`].
#[derive(Config, Debug, PartialEq)]
pub struct HomotopyConfig {
    /// Hidden units, of both networks.
    #[config(default = 3)]
    pub hidden: usize,
    /// Training examples.
    #[config(default = 20)]
    pub examples: usize,
    /// The variance of the noise in their targets.
    #[config(default = 0.1)]
    pub noise: f64,
    /// What the initial parameters are multiplied by that make the target function, so that it bends.
    #[config(default = 3.0)]
    pub scale: f64,
    /// The coefficient of the L2 term, with which there is a minimum.
    #[config(default = 1e-3)]
    pub l2: f64,
    /// The examples whose weight falls, each by itself; none: those with the least, the middle and the most noise.
    #[config(default = "Vec::new()")]
    pub points: Vec<usize>,
    /// The hidden unit that is shown.
    #[config(default = 0)]
    pub unit: usize,
    /// Steps of the weight from 1 to 0.
    #[config(default = 40)]
    pub steps: usize,
    /// The weights of which the way of training is followed.
    #[config(default = "vec![1.0, 0.75, 0.5, 0.25, 0.0]")]
    pub flow_weights: Vec<f64>,
    /// The time until which it is, on the mean loss.
    #[config(default = 200.0)]
    pub flow_time: f64,
    /// The seed of everything random.
    #[config(default = 0)]
    pub seed: u64,
}

/// The homotopy `theta(eps)` of minima of `J(theta) - (1 - eps)/N L_j(theta)`, from `eps = 1`, all examples, to 0,
/// without example `j`, of a network with one hidden layer that learns another of the same kind from noisy examples;
/// and `theta(t, eps)`, the gradient flows to them from common initial parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Homotopy {
    /// The examples' inputs, ascending.
    pub inputs: Vec<f64>,
    /// The target function there.
    pub truth: Vec<f64>,
    /// The targets: that and noise.
    pub targets: Vec<f64>,
    /// Where the functions are drawn.
    pub curve_inputs: Vec<f64>,
    /// The target function there.
    pub curve_truth: Vec<f64>,
    /// The trained network there.
    pub curve_fit: Vec<f64>,
    /// Of each example whose weight falls.
    pub points: Vec<HomotopyPoint>,
    /// The times at which flows are told.
    pub times: Vec<f64>,
}

/// What the weight of one example does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HomotopyPoint {
    /// The example.
    pub example: usize,
    /// The network at the minimum without it, where the functions are drawn.
    pub curve_without: Vec<f64>,
    /// The minima, from the weight 1 to 0.
    pub path: Vec<WeightState>,
    /// The shown unit's parameters at weight 0 as influence with the Hessian predicts them from the minimum at weight
    /// 1.
    pub predicted: UnitParameters,
    /// How far minima are at most from the straight line between the first and the last, in the space of all
    /// parameters, as a share of its length.
    pub bend: f64,
    /// The weights at which the minimum jumps: it has vanished, and the next is elsewhere.
    pub jumps: Vec<f64>,
    /// How far the prediction is from the minimum without the example, as a share of the way there.
    pub prediction_error: f64,
    /// The shown unit's parameters along the flow of each weight, at each time.
    pub flows: Vec<Vec<UnitParameters>>,
}

/// The minimum for one weight of the example.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WeightState {
    /// The example's weight `eps`.
    pub weight: f64,
    /// The shown unit's parameters.
    pub unit: UnitParameters,
    /// The norm of the objective's gradient, which a minimum has none of.
    pub gradient_norm: f64,
}

impl HomotopyConfig {
    /// Computes it in 64 bits.
    ///
    /// # Errors
    /// [`IllustrationError::Setting`] for settings that make no sense, [`IllustrationError::Precision`], and those of
    /// the minima, the flows and the influence estimate.
    pub fn compute(&self, device: &Device) -> Result<Homotopy, IllustrationError> {
        self.check()?;
        check(device)?;
        let data = Data::draw(self, device)?;
        let responses = Responses::undamped(&data.cost)?;
        let all = responses.objective(ResponseKind::Retraining, Removal::none())?;
        let minimum = all.minimize(data.cost.model().theta(), STOP)?.theta;
        let points = Points {
            config: self,
            data: &data,
            responses: &responses,
            minimum: &minimum,
            times: self.times(),
        };
        let computed = self.chosen(&data).into_iter().map(|it| points.compute(it));
        Ok(Homotopy {
            points: computed.collect::<Result<_, _>>()?,
            curve_inputs: evenly(RANGE, CURVE),
            curve_fit: host(data.curve.at(minimum.clone())?.outputs()?)?,
            times: points.times,
            inputs: data.inputs,
            truth: data.truth,
            targets: data.targets,
            curve_truth: data.curve_truth,
        })
    }

    /// Whether the settings make sense.
    ///
    /// # Errors
    /// [`IllustrationError::Setting`] for the first that does not.
    pub fn check(&self) -> Result<(), IllustrationError> {
        IllustrationError::check_count("hidden", self.hidden, 1)?;
        IllustrationError::check_count("examples", self.examples, 3)?;
        IllustrationError::check_count("steps", self.steps, 1)?;
        IllustrationError::check_positive("l2", self.l2)?;
        IllustrationError::check_positive("scale", self.scale)?;
        IllustrationError::check_positive("flow_time", self.flow_time)?;
        if !(self.noise.is_finite() && self.noise >= 0.0) {
            let problem = format!("is {:?}, must be zero or positive, and finite", self.noise);
            return Err(IllustrationError::setting("noise", problem));
        }
        if self.unit >= self.hidden {
            let problem = format!(
                "is {}: there are {}, counted from 0",
                self.unit, self.hidden
            );
            return Err(IllustrationError::setting("unit", problem));
        }
        let mut weights = self.flow_weights.iter();
        if let Some(wrong) = weights.find(|it| !(0.0..=1.0).contains(*it)) {
            let problem = format!("has {wrong:?}: weights go from 0 to 1");
            return Err(IllustrationError::setting("flow_weights", problem));
        }
        let mut points = self.points.iter();
        points.try_for_each(|&it| IllustrationError::check_example(it, self.examples))
    }

    /// The examples whose weight falls.
    fn chosen(&self, data: &Data) -> Vec<usize> {
        if !self.points.is_empty() {
            return self.points.clone();
        }
        let noise = |&i: &usize| (data.targets[i] - data.truth[i]).abs();
        let mut order: Vec<usize> = (0..self.examples).collect();
        order.sort_by(|a, b| noise(a).total_cmp(&noise(b)).then(a.cmp(b)));
        [0, self.examples / 2, self.examples - 1]
            .map(|it| order[it])
            .to_vec()
    }

    /// 0, and from a thousandth of the last time by equal ratios.
    fn times(&self) -> Vec<f64> {
        let later = (0..TIMES).map(|it| {
            let power = 3.0 * (it as f64 / (TIMES - 1) as f64 - 1.0);
            self.flow_time * 10f64.powf(power)
        });
        std::iter::once(0.0).chain(later).collect()
    }
}
