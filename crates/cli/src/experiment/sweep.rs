//! `backdraft sweep`: the gaps against one setting.

use backdraft_models::{Architecture, quote};
use serde::Serialize;

use super::{
    args::{Common, Group, Over, Removed, Sweeping},
    decompose::{decomposition, question},
    folder::{ExperimentFolder, SWEEP, check_parts},
    output::{open, show},
    plan::{Prepared, prepare},
    scaled::Scaled,
};
use crate::{
    CliError,
    args::{Precision, PresetName},
    memory::check_parameters,
    progress::{say, warn},
};
use backdraft_report::{
    brief,
    experiment::{Sweep, SweepPoint},
};

/// What decides a sweep, beside what decides each decomposition.
#[derive(Serialize)]
struct Settings<'a> {
    command: &'static str,
    over: &'static str,
    values: &'a [f64],
}

/// Runs `backdraft sweep`.
pub(crate) fn sweep(args: &Sweeping) -> Result<(), CliError> {
    let Sweeping { common, over, .. } = args;
    let model = common.model.kind()?;
    if matches!(over, Over::Width | Over::Depth) && model != Architecture::Mlp {
        return Err(CliError::Option {
            option: "--over",
            problem: format!(
                "{} is for the mlp: the other models' layers are fixed",
                over.name()
            ),
        });
    }
    let given = match over {
        Over::WeightDecay => common.training.weight_decay.is_some(),
        Over::Damping => common.damping.is_some(),
        // Without values, they are multiples of it.
        Over::Epochs => common.training.epochs.is_some() && !args.values.is_empty(),
        Over::Width | Over::Depth | Over::Removed => false,
    };
    if given {
        return Err(CliError::Option {
            option: "--over",
            problem: format!("{0} varies what --{0} sets: leave --{0} out", over.name()),
        });
    }
    let values = values(args)?;
    let name = |value: f64| format!("{}-{}", over.name(), brief(value));
    let out = common.folder.out_or(default_folder(args)?);
    let at = |value: f64| -> Result<(Common, Prepared), CliError> {
        let (mut common, removed) = varied(args, value)?;
        common.folder.out = Some(out.join(name(value)));
        // The sweep's folder is cleared with all that is in it.
        common.folder.overwrite = false;
        // A part that was stopped has not come to all values.
        let parts = common.merge.iter().map(|part| part.join(name(value)));
        common.merge = parts.filter(|part| part.exists()).collect();
        let prepared = prepare(&common, question(removed, true));
        Ok((common, prepared.map_err(|error| of_values(error, *over))?))
    };
    let settings = Settings {
        command: "sweep",
        over: over.name(),
        values: &values,
    };
    check_parts(&common.merge, &settings, &out)?;
    // All must be possible before any is begun; their data are not held at once.
    for &value in &values {
        let (common, prepared) = at(value)?;
        check_parts(&common.merge, &prepared.plan, &prepared.out)?;
    }
    let whole = ExperimentFolder::open(&out, SWEEP, &settings, common.folder.overwrite)?;
    let (mut points, mut left) = (Vec::new(), 0);
    for &value in &values {
        let (common, prepared) = at(value)?;
        say(format_args!("\n{} {}", over.name(), brief(value)));
        for part in &args.common.merge {
            let folder = part.join(name(value));
            if !folder.exists() {
                say(format_args!(
                    "nothing is taken from {}: it is not there",
                    quote::path(&folder)
                ));
            }
        }
        let folder = open(&common, &prepared)?;
        let point = match decomposition(&common, &prepared, &folder) {
            Ok(Some((found, _))) => SweepPoint {
                value,
                decomposition: Some(found),
                failure: None,
            },
            Ok(None) => {
                left += 1;
                continue;
            }
            Err(
                error @ (CliError::Train(_)
                | CliError::Solve(_)
                | CliError::Response(_)
                | CliError::Experiment { .. }),
            ) => {
                warn(format_args!(
                    "{} {} is given up: {error}",
                    over.name(),
                    brief(value)
                ));
                SweepPoint {
                    value,
                    decomposition: None,
                    failure: Some(error.to_string()),
                }
            }
            Err(error) => return Err(error),
        };
        points.push(point);
    }
    if left > 0 {
        say(format_args!(
            "\n{left} of {} values are left to other parts; `--merge DIR,..` puts the parts together. In {}",
            values.len(),
            quote::path(&out)
        ));
        return Ok(());
    }
    let failures = points.iter().map(|it| it.failure.as_ref());
    if let Some(failures) = failures.collect::<Option<Vec<_>>>() {
        return Err(CliError::Experiment {
            count: failures.len(),
            parts: "values",
            stage: format!("{} {}", over.name(), brief(values[0])),
            reason: failures[0].clone(),
        });
    }
    let sweep = Sweep {
        over: over.name().into(),
        points,
    };
    show(&whole, &sweep)
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
            over if args.common.training.preset == PresetName::Paper => paper(over),
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
    Ok(Scaled::of(common.training.preset.into(), model, &dataset)
        .training
        .epochs)
}

/// The options with the setting at one value.
fn varied(args: &Sweeping, value: f64) -> Result<(Common, Removed), CliError> {
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
                    Scaled::of(common.training.preset.into(), model, &dataset)
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
        backdraft_models::Preset::from(common.training.preset),
        common.compute.seed,
        common.part()
    ))
}
