//! What each stage is, computed once more from its definition: batch by batch, one removal at a time.

use std::collections::HashMap;
use std::fs;

use backdraft::curvature::{Cost, CrossEntropy, LinearOperator, Model};
use backdraft::influence::{
    DirectConfig, Solver,
    response::{Bregman, Descent, Removal, ResponseKind, Responses, Step, estimate},
};
use backdraft::models::{
    self, Objective, TrainConfig, Zoo, ZooConfig, data, output_distance, per_example_losses,
    to_dtype, train, with_numbers,
};
use burn::tensor::{Bytes, DType, Device, Tensor, TensorData};
use safetensors::SafeTensors;
use serde_json::Value;

use super::{Outcome, Place, assert_within, indices, numbers};

/// A tiny network, all digits, and an L2 term; SGD at a constant rate without momentum, as the paper's MLP has.
const COMMAND: &str =
    "--data digits --hidden 5 --epochs 4 --weight-decay 0.01 --points 3 --solver direct";

/// What is the same for all stages.
struct Bench {
    dataset: data::Dataset,
    config: TrainConfig,
    initial: Zoo,
    base: Zoo,
    cost: Cost,
    damping: f64,
}

impl Bench {
    fn of(setup: &Value, base: &[u8]) -> Result<Self, Box<dyn std::error::Error>> {
        let device = Device::flex();
        let dataset = data::digits();
        let network: ZooConfig = serde_json::from_value(setup["network"].clone())?;
        let config: TrainConfig = serde_json::from_value(setup["training"].clone())?;
        let initial = to_dtype(network.init(&device), DType::F64);
        let file = SafeTensors::deserialize(base)?;
        let mut tensors: HashMap<String, TensorData> = HashMap::new();
        for (name, view) in file.iter() {
            let bytes = Bytes::from_bytes_vec(view.data().to_vec());
            let data = TensorData::from_bytes(bytes, view.shape().to_vec(), DType::F64);
            tensors.insert(name.to_owned(), data);
        }
        let base = with_numbers(initial.clone(), |name| tensors.remove(name))?;
        let place = (&device, DType::F64);
        let cost = Cost::new(
            Model::new(&base, Zoo::forward)?,
            CrossEntropy,
            dataset.train.inputs(place),
            dataset.train.classes(&device),
        )?
        .with_l2(config.weight_decay);
        Ok(Self {
            damping: setup["damping"].as_f64().ok_or("no damping")?,
            dataset,
            config,
            initial,
            base,
            cost,
        })
    }

    fn n(&self) -> usize {
        self.dataset.train.rows
    }

    fn theta(&self) -> Tensor<1> {
        self.cost.model().theta()
    }

    fn at(&self, theta: Tensor<1>) -> Zoo {
        self.cost.model().write(self.base.clone(), theta).unwrap()
    }

    /// Goes from `theta` along `gradient` of the parameters and a batch, in passes counted from 0, at `slower` times
    /// the rate.
    fn descend(
        &self,
        mut theta: Tensor<1>,
        passes: std::ops::Range<usize>,
        slower: f64,
        gradient: impl Fn(&Tensor<1>, &[usize]) -> Tensor<1>,
    ) -> Tensor<1> {
        for (rate, batch) in self.config.batches(self.n(), passes) {
            theta = theta.clone() - gradient(&theta, &batch) * (slower * rate);
        }
        theta
    }

    /// The mean loss of some examples, without the L2 term.
    fn slope(&self, examples: &[usize], theta: &Tensor<1>) -> Tensor<1> {
        let part = self.cost.select(examples).expect("they exist").with_l2(0.0);
        let there = part.at(theta.clone()).expect("it fits");
        there.gradient().expect("it is differentiable")
    }
}

#[test]
fn each_stage_is_its_definition() -> Outcome {
    let place = Place::new()?;
    let done = place.experiment(&format!("decompose {COMMAND} --tests 6"), "out")?;
    let setup = &done.record["setup"];
    let it = Bench::of(setup, &fs::read(done.folder.join("base.safetensors"))?)?;
    let (k, l2, n) = (it.config.epochs, it.config.weight_decay, it.n() as f64);
    let (theta, damping) = (it.theta(), it.damping);
    let later = k..k + k.div_ceil(2);

    // The base network: the mean loss of each batch, and the L2 term.
    let training = |theta: &Tensor<1>, batch: &[usize]| it.slope(batch, theta) + theta.clone() * l2;
    let first = Model::new(&it.initial, Zoo::forward)?.theta();
    let again = it.descend(first.clone(), 0..k, 1.0, training);
    // Rounding of 48 steps.
    let error = (again - theta.clone()).abs().max().into_scalar::<f64>();
    assert!(error < 1e-12, "{error:e}");

    let correlations: Value =
        serde_json::from_slice(&fs::read(done.folder.join("correlate.json"))?)?;
    let tests: Vec<usize> = indices(&correlations["tests"])
        .iter()
        .map(|&i| i as usize)
        .collect();
    let tests = it.dataset.test.select(&tests);
    let losses = |model: &Zoo| per_example_losses(model, &tests, Objective::CrossEntropy);
    let before = losses(&it.base);
    let continued = it.descend(theta.clone(), later.clone(), 1.0, training);

    for (place, point) in done.list("/points").iter().enumerate() {
        let removed: Vec<usize> = indices(&point["removed"])
            .iter()
            .map(|&i| i as usize)
            .collect();
        let pull = |theta: &Tensor<1>| it.slope(&removed, theta) * (1.0 / n);
        // Left out where it comes up in a batch, whose size counts it all the same.
        let cold = it.descend(first.clone(), 0..later.end, 1.0, |theta, batch| {
            let slope = training(theta, batch);
            match batch.contains(&removed[0]) {
                true => slope - it.slope(&removed, theta) * (1.0 / batch.len() as f64),
                false => slope,
            }
        });
        // Less 1/N of its loss in every step.
        let warm = it.descend(theta.clone(), later.clone(), 1.0, |theta, batch| {
            training(theta, batch) - pull(theta)
        });
        let moved = |theta: &Tensor<1>| theta.clone() - it.theta();
        let proximal = it.descend(theta.clone(), later.clone(), 1.0, |theta, batch| {
            training(theta, batch) - pull(theta) + moved(theta) * damping
        });
        let strength = damping + l2;
        let pbrf = it.descend(theta.clone(), later.clone(), 0.1, |theta, batch| {
            let part = it.cost.select(batch).expect("they exist");
            let divergence = Bregman::of(&part).expect("it is one").at(theta.clone());
            let slope = divergence.expect("it fits").gradient().expect("it has one");
            slope - pull(theta) + moved(theta) * strength
        });
        let constant = pull(&theta);
        let linearized = it.descend(theta.clone(), later.clone(), 0.1, |theta, batch| {
            let part = it.cost.select(batch).expect("they exist").with_l2(0.0);
            let product = part.gauss_newton().apply(moved(theta)).expect("it fits");
            product - constant.clone() + moved(theta) * strength
        });
        let matrix = it.cost.gauss_newton().damped(damping);
        let solver = DirectConfig::default().init()?;
        let removal = Removal::of(removed.clone(), it.n());
        let influence = estimate(&it.cost, &*solver.prepare(&matrix)?, &removal)?.vector;

        let stages = [
            &cold,
            &warm,
            &proximal,
            &pbrf,
            &linearized,
            &(theta.clone() + influence.clone()),
        ];
        let models = stages.map(|theta| it.at(theta.clone()));
        let names = [
            "warm_start",
            "proximity",
            "non_convergence",
            "linearization",
            "solver",
        ];
        for (pair, name) in models.windows(2).zip(names) {
            let expected = output_distance(&pair[0], &pair[1], &it.dataset.train);
            let found = done.number(&format!("/points/{place}/gaps/{name}"));
            // Sums in another order: distances of outputs of size 1, to 1e-16 a step in some hundred steps.
            assert_within(found, expected, 1e-12, name);
        }
        let two_stage = theta.clone() + warm.clone() - continued.clone();
        for (stage, key) in [
            (&pbrf, "pbrf"),
            (&warm, "warm_start"),
            (&cold, "cold_start"),
            (&two_stage, "two_stage"),
        ] {
            let after = losses(&it.at(stage.clone()));
            let found = numbers(&correlations["points"][place]["responses"][key]);
            assert_eq!(found.len(), after.len());
            for ((found, after), before) in found.into_iter().zip(after).zip(&before) {
                assert_within(found, after - before, 1e-12, key);
            }
        }
        let test_cost = it.cost.with_examples(
            tests.inputs((&Device::flex(), DType::F64)),
            tests.classes(&Device::flex()),
        )?;
        let predicted = test_cost.directional_derivatives(influence)?.into_data();
        let found = numbers(&correlations["points"][place]["influence"]);
        for (found, expected) in found.into_iter().zip(predicted.iter::<f64>()) {
            assert_within(found, expected, 1e-12, "influence");
        }
    }
    Ok(())
}

#[test]
fn without_a_removal_a_warm_start_is_training_on() -> Outcome {
    let dataset = data::digits();
    let network = models::MlpConfig::new(64, 10).with_hidden(vec![5]);
    let initial = to_dtype(ZooConfig::Mlp(network).init(&Device::flex()), DType::F64);
    let config = |epochs| TrainConfig {
        epochs,
        weight_decay: 0.01,
        ..models::Preset::Paper.training(models::Architecture::Mlp, &dataset)
    };
    let (k, n) = (4, dataset.train.rows);
    let trained = |epochs| {
        let initial = initial.clone();
        train(
            initial,
            &dataset.train,
            Objective::CrossEntropy,
            &config(epochs),
            |_| {},
        )
    };
    let base = trained(k)?.model;
    let cost = Cost::new(
        Model::new(&base, Zoo::forward)?,
        CrossEntropy,
        dataset.train.inputs((&Device::flex(), DType::F64)),
        dataset.train.classes(&Device::flex()),
    )?
    .with_l2(0.01);
    let responses = Responses::new(&cost, 0.001)?;
    let steps = config(k).batches(n, k..k + k / 2);
    let steps = steps.map(|(rate, examples)| Step { rate, examples });
    let objective = responses.objective(ResponseKind::Retraining, Removal::none())?;
    let descent = Descent::Sgd { momentum: 0.0 };
    let warm = objective.descend(responses.theta().clone(), descent, steps, |_| {})?;
    let plain = Model::new(&trained(k + k / 2)?.model, Zoo::forward)?.theta();
    let error = (warm.theta - plain.clone())
        .abs()
        .max()
        .into_scalar::<f64>();
    // Rounding of 24 steps; in them the parameters move by far more.
    assert!(error < 1e-12, "{error:e}");
    let way = (plain - responses.theta().clone())
        .abs()
        .max()
        .into_scalar::<f64>();
    assert!(way > 1e-2, "{way:e}");
    Ok(())
}
