//! Which data are read, and what is done to them.

use std::path::{Path, PathBuf};

use backdraft_models::{
    data::{
        self, DataError, DataProblem, Dataset, ExampleShape, LoadOptions, Moments, MomentsOf,
        Refusal, Rescale, Scaling, ScalingProblem, TableProblem, Task, TaskKind,
    },
    quote,
    weights::WeightsRecord,
};
use clap::{Args, ValueEnum};

use super::{loss::LossArgs, table::TableArgs};
use crate::{CliError, progress::warn};
use backdraft_report::brief;

/// Options of every command that reads data.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataArgs {
    /// The data: `digits` and `cancer` are embedded; a folder with IDX files (MNIST layout), CIFAR-10, PNG pictures by
    /// class, text or one table; a table: CSV or other separated text, gzipped or not, or Parquet; or NumPy's arrays
    /// (.npz).
    #[arg(
        long = "data",
        value_name = "digits|cancer|PATH",
        default_value = "digits"
    )]
    pub path: PathBuf,

    /// The column of a table to predict.
    #[arg(long, value_name = "COLUMN")]
    pub target: Option<String>,

    /// What the target is taken for. Default: inferred from what a table's target looks like, and printed; labels of
    /// pictures are classes.
    #[arg(long, value_enum)]
    pub task: Option<TaskName>,

    /// Give a network for two classes an output for each (softmax), as PyTorch's often have, and not one for both
    /// (sigmoid). Which of the two --weights has is found from their shapes.
    #[arg(long)]
    pub two_logits: bool,

    /// What to test on: a table of the same columns, a folder of IDX files or pictures, or a file of CIFAR-10 records.
    /// Default: the data's own test part; of a table or pictures that have none a fifth, drawn by a seed that is
    /// printed.
    #[arg(long, value_name = "PATH", conflicts_with = "split")]
    pub test: Option<PathBuf>,

    /// The column of a table that says which part a row belongs to: train, valid or test.
    #[arg(long, value_name = "COLUMN")]
    pub split: Option<String>,

    /// What is done to inputs. `raw`: nothing, pixels go from 0 to 255. `unit`: pixels are divided by 255, each column
    /// of a table by its largest absolute value in the training part. `standardised`: less the training part's mean,
    /// divided by its standard deviation, column by column or channel by channel. Default: what the weights were
    /// trained on, if --weights has a record of that; else `unit` for grey pictures and `standardised` for tables and
    /// pictures in colour.
    #[arg(long, value_enum, conflicts_with_all = ["mean", "std"])]
    pub inputs: Option<ScalingName>,

    /// What is taken from inputs: one number for all, or one for each column of a table, in order, or channel. Pixels
    /// go from 0 to 1 here, as in torchvision's Normalize. Default: 0.
    #[arg(
        long,
        value_name = "M1,M2,..",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    pub mean: Option<Vec<f64>>,

    /// What inputs are then divided by, as --mean. Default: 1.
    #[arg(
        long,
        value_name = "S1,S2,..",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    pub std: Option<Vec<f64>>,

    /// Whose moments `--inputs` and `--targets` go by: the training part's, or those of all examples, as where a table
    /// was scaled before it was divided. Default: train.
    #[arg(long, value_enum)]
    pub moments: Option<MomentsName>,

    /// What is done to a regression's targets, as --inputs. Default: what the weights were trained on, else
    /// `standardised`.
    #[arg(long, value_enum, conflicts_with_all = ["target_mean", "target_std"])]
    pub targets: Option<ScalingName>,

    /// What is taken from a regression's targets. Default: 0.
    #[arg(long, value_name = "M", allow_hyphen_values = true)]
    pub target_mean: Option<f64>,

    /// What they are then divided by. Default: 1.
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    pub target_std: Option<f64>,

    #[command(flatten)]
    pub table: TableArgs,

    #[command(flatten)]
    pub loss: LossArgs,
}

/// What a target is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TaskName {
    /// A number.
    Regression,
    /// A class, whatever its label looks like.
    Classification,
}

/// What is done to numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScalingName {
    Raw,
    Unit,
    #[value(alias = "standardized")]
    Standardised,
}

/// Whose moments numbers are scaled by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MomentsName {
    Train,
    All,
}

impl From<MomentsName> for MomentsOf {
    fn from(name: MomentsName) -> Self {
        match name {
            MomentsName::Train => Self::Train,
            MomentsName::All => Self::All,
        }
    }
}

impl ScalingName {
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Unit => "unit",
            Self::Standardised => "standardised",
        }
    }
}

impl From<ScalingName> for Rescale {
    fn from(name: ScalingName) -> Self {
        match name {
            ScalingName::Raw => Self::Raw,
            ScalingName::Unit => Self::Unit,
            ScalingName::Standardised => Self::Standardised,
        }
    }
}

impl DataArgs {
    /// Reads the data.
    pub fn load(&self) -> Result<Dataset, CliError> {
        let mut dataset = self.read(&self.options()?)?;
        self.loss.apply(&mut dataset, None)?;
        Ok(dataset)
    }

    /// Reads the data for weights: what the options leave open is as it is kept with them.
    pub fn load_for(&self, weights: Option<&WeightsRecord>) -> Result<Dataset, CliError> {
        let mut options = self.options()?;
        let Some(record) = weights else {
            return self.load();
        };
        options.table = self.table.options_for(record);
        let told = self.tells_inputs();
        let kept = |scaling: &Option<Scaling>| scaling.clone().map(Rescale::Fixed);
        options.inputs = options.inputs.or_else(|| kept(&record.inputs));
        if record.task == "regression" {
            options.task = options.task.or(Some(TaskKind::Regression));
            options.targets = options.targets.or_else(|| kept(&record.targets));
        }
        let mut found = self.read(&options);
        let of_classes = ["binary", "classification"].contains(&record.task.as_str());
        if of_classes && options.task.is_none() && is_no_classes(&found) {
            options.task = Some(TaskKind::Classification);
            found = self.read(&options);
        }
        let mut dataset = match found {
            Err(CliError::Data(DataError {
                problem:
                    DataProblem::Refused(Refusal::Scaling(problem @ ScalingProblem::Count { .. })),
                ..
            })) if !told => return Err(strangers(&problem.to_string())),
            other => other?,
        };
        if matches!(dataset.shape, ExampleShape::Flat { .. }) && !told {
            let pairs = dataset.features.iter().zip(&record.columns);
            if let Some((found, expected)) = pairs.into_iter().find(|(a, b)| a != b) {
                return Err(strangers(&format!(
                    "`{}` stands where they have `{}`",
                    quote::text(found),
                    quote::text(expected)
                )));
            }
        }
        let (found, expected) = (dataset.task.classes(), &record.classes);
        if !expected.is_empty() && found != expected {
            warn(format_args!(
                "the weights tell apart {}, and the data have {}: the n-th class of the one is taken for the n-th of the other",
                quote::list(expected),
                quote::list(found)
            ));
        }
        self.loss.apply(&mut dataset, Some(record))?;
        Ok(dataset)
    }

    /// Reads the data with the examples of `path` for a test part, prepared as those of `dataset`, which are these data,
    /// were.
    pub fn load_beside(&self, path: &Path, dataset: &Dataset) -> Result<Dataset, CliError> {
        let fixed = |scaling: &Option<Scaling>| scaling.clone().map(Rescale::Fixed);
        let options = LoadOptions {
            inputs: fixed(&dataset.input_scaling),
            targets: fixed(&dataset.target_scaling),
            task: Some(match dataset.task {
                Task::Regression => TaskKind::Regression,
                _ => TaskKind::Classification,
            }),
            moments: MomentsOf::Train,
            test: Some(path.to_path_buf()),
            ..self.options()?
        };
        self.read(&options)
    }

    /// Reads the data with other scalings than those asked for.
    pub fn load_scaled(
        &self,
        inputs: ScalingName,
        targets: Option<ScalingName>,
        moments: MomentsOf,
    ) -> Result<Dataset, CliError> {
        let options = self.options()?;
        let options = LoadOptions {
            inputs: Some(inputs.into()),
            targets: targets.map(Rescale::from),
            moments,
            ..options
        };
        Ok(data::load_with(&self.path, &options)?)
    }

    /// Whether options say what is done to inputs.
    pub fn tells_inputs(&self) -> bool {
        self.inputs.is_some() || self.mean.is_some() || self.std.is_some()
    }

    /// Whether options say what is done to targets.
    pub fn tells_targets(&self) -> bool {
        self.targets.is_some() || self.target_mean.is_some() || self.target_std.is_some()
    }

    fn read(&self, options: &LoadOptions) -> Result<Dataset, CliError> {
        let mut dataset = data::load_with(&self.path, options)?;
        if self.two_logits {
            if !matches!(dataset.task, Task::Binary { .. }) {
                return Err(CliError::Option {
                    option: "--two-logits",
                    problem: format!("is for two classes, and {} has others", dataset.name),
                });
            }
            dataset.task = dataset.task.with_logit_for_each();
        }
        let scalings = [&dataset.input_scaling, &dataset.target_scaling];
        let measured = |it: &Scaling| it.of == MomentsOf::All;
        if options.moments == MomentsOf::All && !scalings.into_iter().flatten().any(measured) {
            return Err(CliError::Option {
                option: "--moments",
                problem: "all is for columns that are `unit` or `standardised`, and channels that are `standardised`: here nothing is \
                          measured"
                    .to_owned(),
            });
        }
        Ok(dataset)
    }

    fn options(&self) -> Result<LoadOptions, CliError> {
        self.loss.check()?;
        let target = |it: Option<f64>| it.map(|it| vec![it]);
        let targets = rescale(
            self.targets,
            ["--target-mean", "--target-std"],
            [target(self.target_mean), target(self.target_std)],
        )?;
        Ok(LoadOptions {
            target: self.target.clone(),
            task: self.task.map(|task| match task {
                TaskName::Regression => TaskKind::Regression,
                TaskName::Classification => TaskKind::Classification,
            }),
            inputs: rescale(
                self.inputs,
                ["--mean", "--std"],
                [self.mean.clone(), self.std.clone()],
            )?,
            targets: targets.or_else(|| self.loss.targets()),
            moments: self.moments.map_or(MomentsOf::Train, MomentsOf::from),
            test: self.test.clone(),
            split: self.split.clone(),
            table: self.table.options(),
        })
    }
}

/// Whether a target was not taken for classes, for what its labels look like.
fn is_no_classes(found: &Result<Dataset, CliError>) -> bool {
    match found {
        Ok(dataset) => dataset.task == Task::Regression,
        Err(CliError::Data(error)) => matches!(
            &error.problem,
            DataProblem::Table(TableProblem::Cell { .. } | TableProblem::TooManyLabels { .. })
        ),
        Err(_) => false,
    }
}

/// The data's columns are not those that weights were trained on.
fn strangers(problem: &str) -> CliError {
    CliError::Option {
        option: "--weights",
        problem: format!(
            "were trained on other columns: {problem}; give a table of the same columns in the same order, or say by --inputs, or by --mean \
             and --std, what is to be done to these"
        ),
    }
}

/// The rule that was named, or the moments that were given.
fn rescale(
    rule: Option<ScalingName>,
    options: [&'static str; 2],
    given: [Option<Vec<f64>>; 2],
) -> Result<Option<Rescale>, CliError> {
    let refuse = |option, problem| Err(CliError::Option { option, problem });
    if let Some(rule) = rule {
        return Ok(Some(rule.into()));
    }
    let [mean, std] = match given {
        [None, None] => return Ok(None),
        [mean, std] => [mean.unwrap_or(vec![0.0]), std.unwrap_or(vec![1.0])],
    };
    if let Some(wrong) = mean.iter().find(|it| !it.is_finite()) {
        return refuse(
            options[0],
            format!("has {}: it must be finite", brief(*wrong)),
        );
    }
    if let Some(wrong) = std.iter().find(|it| !(it.is_finite() && **it > 0.0)) {
        let problem = format!("has {}: it must be positive and finite", brief(*wrong));
        return refuse(options[1], problem);
    }
    let count = mean.len().max(std.len());
    let of_all = |numbers: Vec<f64>| match numbers.as_slice() {
        [one] => Some(vec![*one; count]),
        several => (several.len() == count).then_some(numbers),
    };
    let lengths = [mean.len(), std.len()];
    let (Some(mean), Some(std)) = (of_all(mean), of_all(std)) else {
        let [mean, std] = lengths;
        let problem = format!(
            "has {mean} number(s), {} has {std}: give as many, or one for all",
            options[1]
        );
        return refuse(options[0], problem);
    };
    let moments = mean.into_iter().zip(std);
    let moments = moments.map(|(mean, std)| Moments { mean, std });
    Ok(Some(Rescale::Fixed(Scaling::given(moments.collect()))))
}
