//! Networks beside the retrained one.

use backdraft_influence::unlearn::{Membership, UnlearnError, calibrated, confidence};
use backdraft_models::{
    Metrics, Objective, Zoo,
    data::{Split, Task},
    evaluate, output_distance, per_example_losses, to_dtype,
};
use backdraft_report::{
    Quality,
    unlearning::{CertificateRecord, PartQuality, UnlearnedRecord, UnlearningMethod},
};
use burn::tensor::{DType, Tensor};

use super::{
    descents::Reached,
    files::network_file,
    run::{Setting, UnlearnRun, norm},
};
use crate::{CliError, quality::quality};

/// What a method came to, before it is looked at.
pub(super) struct Found {
    method: UnlearningMethod,
    /// Its share of the training's steps, and the steps.
    share: Option<f64>,
    steps: Option<usize>,
    certificate: Option<CertificateRecord>,
    seconds: f64,
    /// The parameters, or why there are none.
    theta: Result<Tensor<1>, String>,
}

impl Found {
    /// Nothing yet.
    pub fn new(method: UnlearningMethod) -> Self {
        Self {
            method,
            share: None,
            steps: None,
            certificate: None,
            seconds: 0.0,
            theta: Err(String::new()),
        }
    }

    pub fn of(method: UnlearningMethod, reached: &Reached, steps: Option<usize>) -> Self {
        let new = Self {
            steps,
            ..Self::new(method)
        };
        new.reached(reached)
    }

    /// By so many steps, of which so much is certified.
    pub fn stepped(
        method: UnlearningMethod,
        (share, steps): (f64, usize),
        certificate: CertificateRecord,
    ) -> Self {
        Self {
            share: Some(share),
            steps: Some(steps),
            certificate: Some(certificate),
            ..Self::new(method)
        }
    }

    pub fn reached(self, reached: &Reached) -> Self {
        Self {
            seconds: reached.seconds,
            theta: Ok(reached.state.theta.clone()),
            ..self
        }
    }

    /// Where the method came to nothing, while others may do well; what all would fail at is an error.
    pub fn failed(self, error: CliError) -> Result<Self, CliError> {
        match error {
            CliError::Unlearn(UnlearnError::NotFinite { .. }) | CliError::Solve(_) => Ok(Self {
                theta: Err(error.to_string()),
                ..self
            }),
            error => Err(error),
        }
    }
}

/// What networks are looked at with.
pub(super) struct Networks<'a> {
    run: &'a UnlearnRun<'a>,
    setting: &'a Setting<'a>,
    objective: Objective,
    forgotten: Split,
    retained: Split,
    retrained: (&'a Tensor<1>, Zoo),
    /// Of the forgotten and then the test examples, a list a network that has seen neither.
    references: Vec<Vec<f64>>,
}

impl<'a> Networks<'a> {
    pub fn new(
        run: &'a UnlearnRun<'a>,
        setting: &'a Setting<'a>,
        retrained: &'a Tensor<1>,
        references: &[Tensor<1>],
    ) -> Result<Self, CliError> {
        let dataset = &run.network.inputs.dataset;
        let forgets = |row: &usize| run.forgotten.binary_search(row).is_ok();
        let kept: Vec<usize> = (0..dataset.train.rows).filter(|it| !forgets(it)).collect();
        let mut networks = Self {
            run,
            setting,
            objective: dataset.objective(),
            forgotten: dataset.train.select(run.forgotten),
            retained: dataset.train.select(&kept),
            retrained: (retrained, at(setting, retrained.clone())?),
            references: Vec::new(),
        };
        let scores = |theta: &Tensor<1>| {
            let network = at(setting, theta.clone())?;
            let [forgotten, test] = networks.losses(&network);
            Ok(networks.scores(&forgotten, &test))
        };
        let scores: Result<Vec<Vec<f64>>, CliError> = references.iter().map(scores).collect();
        networks.references = scores?;
        Ok(networks)
    }

    /// All, with their weights written into the run's folder.
    pub fn judge(&self, found: Vec<Found>) -> Result<Vec<UnlearnedRecord>, CliError> {
        let found = found.into_iter().enumerate();
        found.map(|(place, it)| self.record(place, it)).collect()
    }

    fn record(&self, place: usize, found: Found) -> Result<UnlearnedRecord, CliError> {
        let mut record = UnlearnedRecord {
            method: found.method,
            share: found.share,
            steps: found.steps,
            seconds: found.seconds,
            failed: None,
            parameter_distance: None,
            forgotten_distance: None,
            test_distance: None,
            quality: None,
            by_loss: None,
            calibrated: None,
            certificate: found.certificate,
            file: None,
        };
        let theta = match found.theta {
            Ok(theta) => theta,
            Err(reason) => {
                record.failed = Some(reason);
                return Ok(record);
            }
        };
        let network = at(self.setting, theta.clone())?;
        let Some((quality, on_train)) = self.quality(&network) else {
            record.failed = Some("its losses are beyond all numbers".into());
            return Ok(record);
        };
        let dataset = &self.run.network.inputs.dataset;
        let factor = self.run.network.unit.output_factor;
        let (retrained, beside) = &self.retrained;
        let distance = |split| factor * output_distance(&network, beside, split);
        record.parameter_distance = Some(norm(&(theta.clone() - (*retrained).clone())));
        record.forgotten_distance = Some(distance(&self.forgotten));
        record.test_distance = Some(distance(&dataset.test));
        record.quality = Some(quality);
        let [forgotten, test] = self.losses(&network);
        let signs = |losses: &[f64]| losses.iter().map(|it| -it).collect::<Vec<_>>();
        record.by_loss = Some(Membership::of(&signs(&forgotten), &signs(&test))?);
        if !self.references.is_empty() {
            let scores = calibrated(&self.scores(&forgotten, &test), &self.references)?;
            let (members, others) = scores.split_at(forgotten.len());
            record.calibrated = Some(Membership::of(members, others)?);
        }
        self.check_rounding(&theta, &mut record);
        let noisy = self.noisy(place, &theta, &mut record)?;
        let written = match (self.run.args.noise, noisy) {
            (true, Some(noisy)) => noisy,
            _ => network,
        };
        record.file = match found.method {
            // It is the run's own.
            UnlearningMethod::Trained => None,
            _ => Some(self.write(&record, &written, &on_train)?),
        };
        Ok(record)
    }

    /// Takes a certificate back whose bound is below what rounding alone may have done: it is of exact arithmetic. To
    /// rewind by all steps is the same computation, whatever the arithmetic.
    fn check_rounding(&self, theta: &Tensor<1>, record: &mut UnlearnedRecord) {
        let steps = self.setting.steps + record.steps.unwrap_or_default();
        let precision = theta.dtype().finfo().map_or(0.0, |it| it.epsilon);
        let rounding = steps as f64 * precision * norm(theta);
        let bound = record
            .certificate
            .as_ref()
            .and_then(CertificateRecord::bound);
        if let Some(bound) = bound.filter(|it| *it > 0.0 && *it < rounding) {
            let refused = format!(
                "no certificate: its bound, {bound:.1e}, is below what rounding may do in so many steps, {rounding:.1e}{}",
                match theta.dtype() {
                    DType::F64 => ": take fewer",
                    _ => ": take fewer, or --precision f64",
                }
            );
            record.certificate = Some(CertificateRecord::Refused { refused });
        }
    }

    /// With the noise of its certificate, if it has one; how good that is goes into the record.
    fn noisy(
        &self,
        place: usize,
        theta: &Tensor<1>,
        record: &mut UnlearnedRecord,
    ) -> Result<Option<Zoo>, CliError> {
        let Some(CertificateRecord::Certified {
            certificate,
            noisy_test,
            ..
        }) = &mut record.certificate
        else {
            return Ok(None);
        };
        let seed = self.run.network.config.seed.wrapping_add(place as u64);
        let network = at(self.setting, certificate.perturb(theta.clone(), seed))?;
        let measured = self.measured(&network, &self.run.network.inputs.dataset.test);
        *noisy_test = measured.map(|it| it.0);
        Ok(Some(network))
    }

    /// Part by part, and on all training examples; none where a loss is not finite.
    fn quality(&self, network: &Zoo) -> Option<(PartQuality, Metrics)> {
        let dataset = &self.run.network.inputs.dataset;
        let quality = PartQuality {
            forgotten: self.measured(network, &self.forgotten)?.0,
            retained: self.measured(network, &self.retained)?.0,
            test: self.measured(network, &dataset.test)?.0,
        };
        let (_, on_train) = self.measured(network, &dataset.train)?;
        Some((quality, on_train))
    }

    fn measured(&self, network: &Zoo, split: &Split) -> Option<(Quality, Metrics)> {
        let metrics = evaluate(network, split, self.objective);
        let told = self.run.network.unit.quality(quality(&metrics));
        metrics.loss.is_finite().then_some((told, metrics))
    }

    /// Of the forgotten and of the test examples, as the network is trained.
    fn losses(&self, network: &Zoo) -> [Vec<f64>; 2] {
        let test = &self.run.network.inputs.dataset.test;
        [&self.forgotten, test].map(|split| per_example_losses(network, split, self.objective))
    }

    /// The higher the more like a member of the training set.
    fn scores(&self, forgotten: &[f64], test: &[f64]) -> Vec<f64> {
        let classes = !matches!(self.run.network.inputs.dataset.task, Task::Regression);
        let score = |loss: &f64| if classes { confidence(*loss) } else { -loss };
        forgotten.iter().chain(test).map(score).collect()
    }

    /// Writes the network, as --weights takes it.
    fn write(
        &self,
        record: &UnlearnedRecord,
        network: &Zoo,
        on_train: &Metrics,
    ) -> Result<String, CliError> {
        let name = network_file(record);
        let single = to_dtype(network.clone(), DType::F32);
        self.run.network.write_network(&name, &single, on_train)?;
        Ok(name)
    }
}

/// The network at these parameters.
fn at(setting: &Setting<'_>, theta: Tensor<1>) -> Result<Zoo, CliError> {
    let model = setting.cost.model();
    Ok(model.write(setting.initial.clone(), theta)?)
}
