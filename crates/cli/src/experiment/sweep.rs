//! `backdraft sweep`: the gaps against one setting.

use std::path::{Path, PathBuf};

use backdraft::attribution::evaluate;
use backdraft_models::{Architecture, Preset, quote};
use serde::Serialize;

use super::{
    args::{Common, Group, GroupName, Over, RemovalArgs, Sweeping},
    decompose::{decomposition, question},
    folder::{EFFECTS, ExperimentFolder, SWEEP, check_parts},
    groups::GroupSweep,
    output::{open, show},
    plan::{PreparedExperiment, prepare},
    scaled::ScaledSettings,
};
use crate::{
    CliError,
    args::{Precision, PresetName},
    memory::check_parameters,
    progress::{say, warn},
};
use backdraft_report::{
    brief,
    experiment::{DecompositionRecord, SweepPointRecord, SweepRecord},
};

/// What decides a sweep, beside what decides each decomposition.
#[derive(Serialize)]
struct SweepSettings<'a> {
    command: &'static str,
    over: &'static str,
    values: &'a [f64],
}

/// Runs `backdraft sweep`.
pub(crate) fn sweep(args: &Sweeping) -> Result<(), CliError> {
    check(args)?;
    let (values, out) = (
        values(args)?,
        args.common.folder.out_or(default_folder(args)?),
    );
    if !args.groups.is_empty() {
        return GroupSweep::new(args, &values, out)?.run();
    }
    let effects = effects_of(args, &out);
    let effects = effects
        .as_ref()
        .map(|(args, out)| GroupSweep::new(args, &values, out.clone()));
    let effects = effects.transpose()?;
    gaps(args, values.clone(), out)?;
    match effects {
        Some(effects) => {
            say("\nwhat random groups of these sizes do to test losses, beside both predictions");
            effects.run()
        }
        None => Ok(()),
    }
}

/// Of a sweep over the share removed, what else it asks: what the removal of groups does to test losses, beside what
/// influence and the Newton estimate predict; in a folder of its own below `out`.
fn effects_of(args: &Sweeping, out: &Path) -> Option<(Sweeping, PathBuf)> {
    (args.over == Over::Removed).then(|| {
        let mut effects = args.clone();
        effects.groups = vec![GroupName::Random];
        // The sweep's folder is cleared with all that is in it.
        effects.common.folder.overwrite = false;
        let parts = args.common.merge.iter().map(|part| part.join(EFFECTS));
        effects.common.merge = parts.filter(|part| part.exists()).collect();
        (effects, out.join(EFFECTS))
    })
}

/// The gaps at each value.
fn gaps(args: &Sweeping, values: Vec<f64>, out: PathBuf) -> Result<(), CliError> {
    let sweep = Sweep { args, values, out };
    let folder = sweep.open()?;
    let over = args.over.name();
    let told = |value: f64| {
        sweep.decomposition(value).inspect_err(|error| {
            if error.concerns_one_value() {
                warn(format_args!("{over} {} is given up: {error}", brief(value)));
            }
        })
    };
    let found = evaluate::sweep(&sweep.values, told, CliError::concerns_one_value)?;
    let left = found
        .iter()
        .filter(|it| matches!(it.found, Ok(None)))
        .count();
    if left > 0 {
        say(format_args!(
            "\n{left} of {} values are left to other parts; `--merge DIR,..` puts the parts together. In {}",
            found.len(),
            quote::path(&sweep.out)
        ));
        return Ok(());
    }
    let failures = found.iter().map(|it| it.found.as_ref().err());
    if let Some(failures) = failures.collect::<Option<Vec<_>>>() {
        return Err(CliError::Experiment {
            count: failures.len(),
            parts: "values",
            stage: format!("{over} {}", brief(found[0].value)),
            reason: failures[0].clone(),
        });
    }
    let points = found.into_iter().map(|it| {
        let (decomposition, failure) = match it.found {
            Ok(decomposition) => (decomposition, None),
            Err(failure) => (None, Some(failure)),
        };
        SweepPointRecord {
            value: it.value,
            decomposition,
            failure,
        }
    });
    let record = SweepRecord {
        over: over.into(),
        points: points.collect(),
    };
    show(&folder, &record)
}

/// Refuses to vary what the model has not, or an option sets.
fn check(args: &Sweeping) -> Result<(), CliError> {
    let Sweeping { common, over, .. } = args;
    let refuse = |problem| {
        Err(CliError::Option {
            option: "--over",
            problem,
        })
    };
    let model = common.model.kind()?;
    if matches!(over, Over::Width | Over::Depth) && model != Architecture::Mlp {
        return refuse(format!(
            "{} is for the mlp: the other models' layers are fixed",
            over.name()
        ));
    }
    if *over != Over::Removed && !args.groups.is_empty() {
        return Err(CliError::Option {
            option: "--groups",
            problem: format!(
                "is for --over removed, whose values are the sizes of groups, and not for --over {}",
                over.name()
            ),
        });
    }
    for (option, given) in [
        ("--l2", !args.l2.is_empty()),
        ("--tests", args.tests.is_some()),
    ] {
        if given && args.groups.is_empty() {
            return Err(CliError::Option {
                option,
                problem: "goes with --groups, which says what is removed".to_owned(),
            });
        }
    }
    if !args.l2.is_empty() && common.training.weight_decay.is_some() {
        return Err(CliError::Option {
            option: "--l2",
            problem: "varies what --weight-decay sets: leave one of them out".to_owned(),
        });
    }
    let given = match over {
        Over::WeightDecay => common.training.weight_decay.is_some(),
        Over::Damping => common.damping.is_some(),
        // Without values, they are multiples of it.
        Over::Epochs => common.training.epochs.is_some() && !args.values.is_empty(),
        Over::Width | Over::Depth | Over::Removed => false,
    };
    match given {
        true => refuse(format!(
            "{0} varies what --{0} sets: leave --{0} out",
            over.name()
        )),
        false => Ok(()),
    }
}

/// A decomposition for each of several values.
struct Sweep<'a> {
    args: &'a Sweeping,
    out: PathBuf,
    values: Vec<f64>,
}

impl Sweep<'_> {
    /// Opens the folder, once all values are known to be possible; their data are not held at once.
    fn open(&self) -> Result<ExperimentFolder, CliError> {
        let Common { merge, folder, .. } = &self.args.common;
        let settings = SweepSettings {
            command: "sweep",
            over: self.args.over.name(),
            values: &self.values,
        };
        check_parts(merge, &settings, &self.out)?;
        for &value in &self.values {
            let (common, prepared) = self.prepared(value)?;
            check_parts(&common.merge, &prepared.plan, &prepared.out)?;
        }
        ExperimentFolder::open(&self.out, SWEEP, &settings, folder.overwrite)
    }

    /// The decomposition at a value; none if removals are left to other parts.
    fn decomposition(&self, value: f64) -> Result<Option<DecompositionRecord>, CliError> {
        let (common, prepared) = self.prepared(value)?;
        say(format_args!("\n{} {}", self.args.over.name(), brief(value)));
        for part in &self.args.common.merge {
            let folder = part.join(self.folder(value));
            if !folder.exists() {
                say(format_args!(
                    "nothing is taken from {}: it is not there",
                    quote::path(&folder)
                ));
            }
        }
        let folder = open(&common, &prepared)?;
        let found = decomposition(&common, &prepared, &folder)?;
        Ok(found.map(|(decomposition, _)| decomposition))
    }

    /// The experiment at a value, with its options.
    fn prepared(&self, value: f64) -> Result<(Common, PreparedExperiment), CliError> {
        let (mut common, removed) = varied(self.args, value)?;
        common.folder.out = Some(self.out.join(self.folder(value)));
        // The sweep's folder is cleared with all that is in it.
        common.folder.overwrite = false;
        // A part that was stopped has not come to all values.
        let parts = common
            .merge
            .iter()
            .map(|part| part.join(self.folder(value)));
        common.merge = parts.filter(|part| part.exists()).collect();
        let prepared = prepare(&common, question(removed, true));
        let prepared = prepared.map_err(|error| of_values(error, self.args.over))?;
        Ok((common, prepared))
    }

    /// The name of a value's folder in that of the sweep.
    fn folder(&self, value: f64) -> String {
        format!("{}-{}", self.args.over.name(), brief(value))
    }
}

/// The values asked for, or those of the paper that fit the preset.
fn values(args: &Sweeping) -> Result<Vec<f64>, CliError> {
    let refuse = |problem: String| {
        Err(CliError::Option {
            option: "--values",
            problem,
        })
    };
    let values = match args.values.as_slice() {
        [] => match args.over {
            over if args.common.training.preset == PresetName::Paper && args.groups.is_empty() => {
                paper(over)
            }
            Over::Width => vec![16.0, 32.0, 64.0, 128.0, 256.0, 512.0],
            Over::Depth => vec![1.0, 3.0, 5.0, 7.0],
            Over::Epochs => {
                let passes = passes(&args.common)? as f64;
                let mut values = [0.1, 0.5, 1.0, 2.0, 4.0]
                    .map(|factor| (factor * passes).ceil())
                    .to_vec();
                // Of few passes.
                values.dedup();
                values
            }
            Over::WeightDecay => vec![0.05, 0.01, 0.005, 0.001, 0.0005, 0.0001, 0.00001],
            Over::Damping => vec![0.5, 0.1, 0.05, 0.01, 0.005, 0.001, 0.0005, 0.0001],
            // Koh et al. (2019) go from a quarter of a percent to 25.
            Over::Removed if !args.groups.is_empty() => vec![0.5, 1.0, 2.5, 5.0, 10.0, 20.0],
            Over::Removed => paper(Over::Removed),
        },
        given => given.to_vec(),
    };
    for (place, &value) in values.iter().enumerate() {
        let shown = brief(value);
        if value < 0.0 {
            return refuse(format!("has {shown}: it must not be negative"));
        }
        if values[..place].contains(&value) {
            return refuse(format!("has {shown} twice"));
        }
        let whole = matches!(args.over, Over::Width | Over::Depth | Over::Epochs);
        if whole && !(value.fract() == 0.0 && (1.0..=1e9).contains(&value)) {
            return refuse(format!(
                "has {shown}: {} takes whole numbers from 1 to 1000000000",
                args.over.name()
            ));
        }
        if args.over == Over::Removed && !(value > 0.0 && value < 100.0) {
            return refuse(format!(
                "has {shown}: a percentage of the examples lies between 0 and 100"
            ));
        }
    }
    Ok(values)
}

/// The paper's values (Bae et al. 2022, appendix E.4).
fn paper(over: Over) -> Vec<f64> {
    match over {
        Over::Width => (4..=13).map(|power| f64::from(1 << power)).collect(),
        Over::Depth => (0..8).map(|pair| f64::from(2 * pair + 1)).collect(),
        Over::Epochs => vec![100.0, 500.0, 1000.0, 3000.0, 5000.0, 7000.0, 9000.0],
        Over::WeightDecay => vec![
            0.5, 0.1, 0.05, 0.01, 0.005, 0.001, 0.0005, 0.0001, 0.00005, 0.00001,
        ],
        Over::Damping => vec![
            0.5, 0.1, 0.05, 0.01, 0.005, 0.001, 0.0005, 0.0001, 0.00005, 0.00001, 0.000005,
            0.000001,
        ],
        Over::Removed => (1..10).map(|tenth| f64::from(tenth) / 10.0).collect(),
    }
}

/// The passes of the preset, or those asked for.
fn passes(common: &Common) -> Result<usize, CliError> {
    if let Some(epochs) = common.training.epochs {
        return Ok(epochs);
    }
    let model = common.model.kind()?;
    let dataset = common.data.load()?;
    model.check(&dataset)?;
    Ok(
        ScaledSettings::paper(common.training.preset.into(), model, &dataset)
            .training
            .epochs,
    )
}

/// The options with the setting at one value.
fn varied(args: &Sweeping, value: f64) -> Result<(Common, RemovalArgs), CliError> {
    let (mut common, mut removed) = (args.common.clone(), args.removed);
    match args.over {
        Over::Width => {
            let depth = common.model.hidden.as_ref().map_or(2, Vec::len);
            common.model.hidden = Some(vec![value as usize; depth]);
        }
        Over::Depth => {
            let width = match &common.model.hidden {
                Some(hidden) => hidden.first().copied().unwrap_or(1),
                None => {
                    let model = common.model.kind()?;
                    let dataset = common.data.load()?;
                    model.check(&dataset)?;
                    ScaledSettings::paper(common.training.preset.into(), model, &dataset)
                        .width()
                        .unwrap_or(1)
                }
            };
            check_depth(&common, width, value as usize)?;
            common.model.hidden = Some(vec![width; value as usize]);
        }
        Over::Epochs => common.training.epochs = Some(value as usize),
        Over::WeightDecay => common.training.weight_decay = Some(value),
        Over::Damping => common.damping = Some(value),
        Over::Removed => removed.group = Group::Share(value / 100.0),
    }
    Ok((common, removed))
}

/// What is wrong with a setting, under the option that gave it.
fn of_values(error: CliError, over: Over) -> CliError {
    let varied = match over {
        Over::Width | Over::Depth => "--hidden",
        Over::Epochs => "--epochs",
        Over::WeightDecay => "--weight-decay",
        Over::Damping => "--damping",
        Over::Removed => "--group",
    };
    match error {
        CliError::Option { option, problem } if option == varied => CliError::Option {
            option: "--values",
            problem,
        },
        error => error,
    }
}

/// Refuses layers without number before their widths are listed; the first and the last, which the data decide, come on
/// top.
fn check_depth(common: &Common, width: usize, depth: usize) -> Result<(), CliError> {
    let layer = (width as u128 + 1).saturating_mul(width as u128);
    let parameters = layer.saturating_mul(depth as u128 - 1);
    let dtype = common.solver.precision.unwrap_or(Precision::F32).dtype();
    check_parameters(
        "--values",
        parameters,
        &common.compute.device.open()?,
        dtype,
    )
}

/// The name of the sweep's folder where no option gives one.
fn default_folder(args: &Sweeping) -> Result<String, CliError> {
    let common = &args.common;
    let model = common.model.kind()?;
    let path = &common.data.path;
    let name = path.file_stem().unwrap_or(path.as_os_str());
    Ok(format!(
        "sweep-{}-{model}-{}-{}-{}{}",
        args.over.name(),
        name.to_string_lossy(),
        Preset::from(common.training.preset),
        common.compute.seed,
        common.part()
    ))
}
