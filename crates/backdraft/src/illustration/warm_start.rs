//! Which of many minima gradient descent comes to.

use backdraft_curvature::{Cost, Model, SquaredError};
use backdraft_influence::response::{
    Descent, Removal, ResponseKind, ResponseObjective, Responses, Step,
};
use backdraft_models::{normals, to_dtype};
use burn::{
    config::Config,
    nn::{Linear, LinearConfig},
    tensor::{DType, Device, Tensor},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::{
    IllustrationError,
    draw::{check, evenly, host, matrix, vector},
};

/// The share of the steepest stable step that is made.
const RATE: f64 = 0.3;
/// Steps, after which 0.7 to this power is left of the way.
const STEPS: usize = 100;

/// Settings of a [`WarmStart`].
#[derive(Config, Debug, PartialEq)]
pub struct WarmStartConfig {
    /// Training examples.
    #[config(default = 4)]
    pub examples: usize,
    /// The one that is removed; none: the one whose removal moves the minima furthest.
    pub removed: Option<usize>,
    /// Values of the cost across and up, for its contours.
    #[config(default = 41)]
    pub grid: usize,
    /// The seed of everything random.
    #[config(default = 0)]
    pub seed: u64,
}

/// Linear regression with two coefficients on inputs that lie on one line, so that the cost is a valley whose floor is
/// a line of minima. Removing an example moves the valley. Gradient descent comes to the minimum nearest to where it
/// begins: from zero the one of least norm, and from the minimum with all examples (warm start) another than from
/// initial parameters (cold start). Bae et al. 2022, Section 4.1 and Figure 2, show this.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WarmStart {
    /// The examples' inputs.
    pub inputs: Vec<[f64; 2]>,
    /// Their targets.
    pub targets: Vec<f64>,
    /// The example that is removed.
    pub removed: usize,
    /// Descent on all examples: from initial parameters, from others, and from zero.
    pub with: Vec<DescentPath>,
    /// Descent without the removed one: a warm start from the first path's end, a cold one from the second's start, and
    /// one from zero.
    pub without: Vec<DescentPath>,
    /// Where the cost is told, the same across and up.
    pub grid: Vec<f64>,
    /// The cost of all examples there, a row a place up.
    pub cost_with: Vec<Vec<f64>>,
    /// The cost without the removed one.
    pub cost_without: Vec<Vec<f64>>,
}

/// Gradient descent from one place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DescentPath {
    /// What kind of start it is.
    pub start: &'static str,
    /// The coefficients after each step, from the start on.
    pub points: Vec<[f64; 2]>,
    /// The minimum nearest to the start, in closed form: `theta_0 - H^+ grad(theta_0)`.
    pub nearest: [f64; 2],
}

impl DescentPath {
    /// Where it ends.
    pub fn end(&self) -> [f64; 2] {
        self.points[self.points.len() - 1]
    }
}

impl WarmStartConfig {
    /// Whether the settings make sense.
    ///
    /// # Errors
    /// [`IllustrationError::Setting`] for the first that does not.
    pub fn check(&self) -> Result<(), IllustrationError> {
        IllustrationError::check_count("examples", self.examples, 2)?;
        IllustrationError::check_count("grid", self.grid, 2)?;
        let mut removed = self.removed.iter();
        removed.try_for_each(|&it| IllustrationError::check_example(it, self.examples))
    }

    /// Computes it in 64 bits.
    ///
    /// # Errors
    /// [`IllustrationError::Setting`] for settings that make no sense, [`IllustrationError::Precision`], and those of
    /// the descent.
    pub fn compute(&self, device: &Device) -> Result<WarmStart, IllustrationError> {
        self.check()?;
        check(device)?;
        let Valley {
            along,
            sizes,
            targets,
            starts,
        } = Valley::draw(self);
        let inputs: Vec<[f64; 2]> = sizes.iter().map(|a| along.map(|it| a * it)).collect();
        let removed = self.removed.unwrap_or_else(|| furthest(&sizes, &targets));
        let cost = cost(&inputs, &targets, device)?;
        let responses = Responses::undamped(&cost)?;
        let objective = |removal| responses.objective(ResponseKind::Retraining, removal);
        let all = objective(Removal::none())?;
        let rest = objective(Removal::of(vec![removed], self.examples))?;
        let [warm, cold] = starts;
        let n = self.examples;
        let descend = |of: &ResponseObjective<'_>, start, from| descend(of, n, start, from);
        let with = vec![
            descend(&all, "from where the network was trained", warm)?,
            descend(&all, "from other initial parameters", cold)?,
            descend(&all, "from zero", [0.0; 2])?,
        ];
        let without = vec![
            descend(&rest, "warm start", with[0].end())?,
            descend(&rest, "cold start", cold)?,
            descend(&rest, "from zero", [0.0; 2])?,
        ];
        let paths = with.iter().chain(&without).flat_map(|it| &it.points);
        let reach = paths
            .flatten()
            .fold(1.0, |most: f64, it| most.max(it.abs()))
            * 1.15;
        let grid = evenly([-reach, reach], self.grid);
        Ok(WarmStart {
            cost_with: values(&all, &grid)?,
            cost_without: values(&rest, &grid)?,
            inputs,
            targets,
            removed,
            with,
            without,
            grid,
        })
    }
}

/// Examples on one line, and where descent begins.
struct Valley {
    /// A unit vector.
    along: [f64; 2],
    /// How far each input is along it.
    sizes: Vec<f64>,
    targets: Vec<f64>,
    starts: [[f64; 2]; 2],
}

impl Valley {
    fn draw(config: &WarmStartConfig) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        // Neither across nor up.
        let angle: f64 = rng.random_range(0.3..1.2);
        let sizes = (0..config.examples).map(|_| rng.random_range(0.5..1.5));
        let sizes: Vec<f64> = sizes.collect();
        let noise = normals(config.examples, 1.0, &mut rng);
        let targets = sizes.iter().zip(noise).map(|(a, e)| a + e).collect();
        let mut start = || [(); 2].map(|()| rng.random_range(-2.0..2.0));
        Self {
            along: [angle.cos(), angle.sin()],
            sizes,
            targets,
            starts: [start(), start()],
        }
    }
}

/// The example whose removal moves the valley's floor furthest.
fn furthest(sizes: &[f64], targets: &[f64]) -> usize {
    let floor = |without: Option<usize>| {
        let kept = (0..sizes.len()).filter(|it| Some(*it) != without);
        let sums = kept.map(|i| [sizes[i] * targets[i], sizes[i] * sizes[i]]);
        let [pull, curvature] = sums.fold([0.0; 2], |[a, b], [c, d]| [a + c, b + d]);
        pull / curvature
    };
    let moved = |i: usize| (floor(Some(i)) - floor(None)).abs();
    let all = 0..sizes.len();
    all.max_by(|a, b| moved(*a).total_cmp(&moved(*b)))
        .unwrap_or_default()
}

fn cost(inputs: &[[f64; 2]], targets: &[f64], device: &Device) -> Result<Cost, IllustrationError> {
    let layer: Linear = LinearConfig::new(2, 1).with_bias(false).init(device);
    let layer = to_dtype(layer, DType::F64);
    let model = Model::new(&layer, |m: &Linear, x: Tensor<2>| m.forward(x))?;
    let (x, y) = (
        matrix(inputs.as_flattened(), 2, device),
        matrix(targets, 1, device),
    );
    Ok(Cost::new(
        model.at(vector(&[0.0; 2], device))?,
        SquaredError,
        x,
        y,
    )?)
}

/// Gradient descent over all examples, step by step.
fn descend(
    objective: &ResponseObjective<'_>,
    examples: usize,
    start: &'static str,
    from: [f64; 2],
) -> Result<DescentPath, IllustrationError> {
    let device = objective.theta().device();
    let mut theta = vector(&from, &device);
    let gradient = |theta: &Tensor<1>| objective.value_and_gradient(theta).map(|it| it.1);
    let slope = host(gradient(&theta)?)?;
    // The matrix has one eigenvalue beside 0, and every gradient lies along its eigenvector.
    let curvature = match slope.iter().all(|it| *it == 0.0) {
        true => 1.0,
        false => {
            let ahead = host(gradient(&(theta.clone() + vector(&slope, &device)))?)?;
            let changes = ahead.iter().zip(&slope).map(|(a, b)| (a - b) * b);
            changes.sum::<f64>() / slope.iter().map(|it| it * it).sum::<f64>()
        }
    };
    let step = Step {
        rate: RATE / curvature,
        examples: (0..examples).collect(),
    };
    let mut points = vec![from];
    for _ in 0..STEPS {
        let descent = Descent::Sgd { momentum: 0.0 };
        theta = objective
            .descend(theta, descent, [step.clone()], |_| {})?
            .theta;
        points.push(pair(&host(theta.clone())?));
    }
    let nearest = [0, 1].map(|it| from[it] - slope[it] / curvature);
    Ok(DescentPath {
        start,
        points,
        nearest,
    })
}

fn pair(numbers: &[f64]) -> [f64; 2] {
    [numbers[0], numbers[1]]
}

fn values(
    objective: &ResponseObjective<'_>,
    grid: &[f64],
) -> Result<Vec<Vec<f64>>, IllustrationError> {
    let device = objective.theta().device();
    let value = |x: f64, y: f64| Ok(objective.value(&vector(&[x, y], &device))?);
    let row = |&y: &f64| grid.iter().map(|&x| value(x, y)).collect();
    grid.iter().map(row).collect()
}
