//! Pictures with a label that is a number for each, and the data set of two parts of them.

use std::path::{Path, PathBuf};

use super::dataset::{Dataset, ImageShape};
use super::division::Division;
use super::error::DataError;
use super::file::last_name;
use super::moments_of::MomentsOf;
use super::options::{LoadOptions, TaskKind};
use super::pixels::{Channels, Pixels};
use super::problem::{DataProblem, IdxProblem};
use super::reading::Reading;
use super::refusal::Refusal;
use super::scaling::{Rescale, Scaling, ScalingProblem};
use super::shape::ExampleShape;
use super::source::Source;
use super::split::{Split, Targets};
use super::target::target_scaling;
use super::task::Task;
use crate::number::brief;

/// The pictures and labels of one part.
pub(crate) struct LabelledPixels {
    /// Where the pictures are, and the labels.
    pub(crate) images_path: PathBuf,
    pub(crate) labels_path: PathBuf,
    /// Channels, height and width.
    pub(crate) size: [usize; 3],
    pub(crate) pixels: Pixels,
    pub(crate) labels: Vec<f64>,
    /// The places of the examples among those of the files.
    pub(crate) origin: Vec<usize>,
}

/// The data set of a part to train on and one to test on, of pictures of one size, with the `task`, `inputs` and
/// `targets` of the options; `path` is for its name and for errors.
pub(crate) fn dataset(
    path: &Path,
    [train, test]: [LabelledPixels; 2],
    division: Division,
    options: &LoadOptions,
) -> Result<Dataset, DataError> {
    let [channels, height, width] = train.size;
    let scaling = |problem| Refusal::Scaling(problem).of(path);
    let own = match (&train.pixels, channels) {
        (Pixels::Numbers(_), _) => Rescale::Raw,
        (Pixels::Bytes(_), 1) => Rescale::Unit,
        (Pixels::Bytes(_), _) => Rescale::Standardised,
    };
    let asked = options.inputs.as_ref().unwrap_or(&own);
    let scaled = Channels::of(
        (asked, options.moments),
        [&train.pixels, &test.pixels],
        channels,
        height * width,
    )
    .map_err(scaling)?;
    let inference = match options.task {
        None if train.has_fractions() => Some("labels have fractions: regression".to_owned()),
        _ => None,
    };
    let is_number = options.task == Some(TaskKind::Regression) || inference.is_some();
    let (task, targets, target_scaling) = targets(&train, &test, is_number, options, path)?;
    let [train_targets, test_targets] = targets;
    let [train_source, test_source] = [&train, &test].map(|part| Source::Idx {
        file: part.images_path.clone(),
    });
    Ok(Dataset {
        name: last_name(path),
        task,
        train: train.into_split(&scaled, train_targets).map_err(scaling)?,
        valid: None,
        test: test.into_split(&scaled, test_targets).map_err(scaling)?,
        shape: ExampleShape::Picture {
            channels,
            height,
            width,
        },
        features: scaled.names(),
        image: (channels == 1).then_some(ImageShape { height, width }),
        attribution: None,
        division,
        input_scaling: Some(scaled.into_scaling()),
        target_scaling,
        train_source,
        test_source,
        reading: Reading::default(),
        loss: None,
        class_weights: None,
        inference,
    })
}

/// The task, the targets of both parts, and how they were scaled.
type PartTargets = (Task, [Targets; 2], Option<Scaling>);

/// What is to be predicted: the class that a label stands for, or the label as a number.
fn targets(
    train: &LabelledPixels,
    test: &LabelledPixels,
    is_number: bool,
    options: &LoadOptions,
    path: &Path,
) -> Result<PartTargets, DataError> {
    let different = train.different();
    if let [only] = different.as_slice() {
        return Err(DataError::new(
            &train.labels_path,
            DataProblem::ConstantTarget {
                value: brief(*only),
            },
        ));
    }
    if is_number {
        let scaled = |problem| Refusal::Scaling(problem).of(path);
        let measured = match options.moments {
            MomentsOf::Train => train.labels.clone(),
            MomentsOf::All => [train.labels.as_slice(), &test.labels].concat(),
        };
        let scaling = target_scaling(&measured, options).map_err(scaled)?;
        let values = |values: &[f64]| scaling.apply(values, 1).map(Targets::Values);
        let targets = [
            values(&train.labels).map_err(scaled)?,
            values(&test.labels).map_err(scaled)?,
        ];
        return Ok((Task::Regression, targets, Some(scaling)));
    }
    if options.targets.is_some() {
        return Err(Refusal::Classes.of(path));
    }
    let targets = [train.classes(&different)?, test.classes(&different)?];
    let names = different.iter().map(|&label| brief(label)).collect();
    Ok((Task::of_classes(names), targets.map(Targets::Classes), None))
}

impl LabelledPixels {
    /// The labels that occur, in order.
    fn different(&self) -> Vec<f64> {
        let mut different = self.labels.clone();
        different.sort_by(f64::total_cmp);
        different.dedup();
        different
    }

    fn has_fractions(&self) -> bool {
        self.labels.iter().any(|label| label.fract() != 0.0)
    }

    /// The place of each label among those of the training part.
    fn classes(&self, different: &[f64]) -> Result<Vec<i64>, DataError> {
        let place = |label: &f64| different.binary_search_by(|other| other.total_cmp(label));
        let class = |(row, label): (usize, &f64)| match place(label) {
            Ok(class) => Ok(class as i64),
            Err(_) => Err(DataError::new(
                &self.labels_path,
                IdxProblem::Label {
                    label: brief(*label),
                    row,
                    classes: different.len(),
                },
            )),
        };
        self.labels.iter().enumerate().map(class).collect()
    }

    /// Some of the examples, in this order.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let columns: usize = self.size.iter().product();
        let place = |row: usize| row * columns..(row + 1) * columns;
        Self {
            images_path: self.images_path.clone(),
            labels_path: self.labels_path.clone(),
            size: self.size,
            pixels: match &self.pixels {
                Pixels::Bytes(all) => Pixels::Bytes(
                    rows.iter()
                        .flat_map(|&it| all[place(it)].iter().copied())
                        .collect(),
                ),
                Pixels::Numbers(all) => Pixels::Numbers(
                    rows.iter()
                        .flat_map(|&it| all[place(it)].iter().copied())
                        .collect(),
                ),
            },
            labels: rows.iter().map(|&it| self.labels[it]).collect(),
            origin: rows.iter().map(|&it| self.origin[it]).collect(),
        }
    }

    fn into_split(self, channels: &Channels, targets: Targets) -> Result<Split, ScalingProblem> {
        Ok(Split {
            rows: self.labels.len(),
            columns: self.size.iter().product(),
            features: channels.numbers(&self.pixels)?,
            origin: self.origin,
            targets,
            weights: None,
        })
    }
}
