//! The files of an illustration.

use std::time::Instant;

use backdraft::illustration::IllustrationError;
use backdraft_models::quote;
use backdraft_report::{
    Contents, Record, Report, RunRecord, Timing, Versions, aligned, details_of,
    figure::{Figure, FigureRecord, Panel},
};
use burn::tensor::Device;
use serde::Serialize;
use serde_json::{Map, Value};

use super::args::PlaceArgs;
use crate::{
    BURN, CliError,
    progress::say,
    run_folder::{CHECKSUMS, Kind, MODEL, PARTS, PartsFolder, RunPlace},
};

/// What was asked.
const ASKED: &str = "illustration.json";
/// The numbers of the curves.
pub(super) const DATA: &str = "figure.csv";

const KIND: Kind = Kind {
    name: "an illustration",
    contents: Contents {
        record: ASKED,
        results: &[RunRecord::FILE],
        others: &[DATA, Report::FILE, CHECKSUMS, PARTS],
        parts: &[],
    },
    network: MODEL,
    computed: &[],
};

/// What is told of an illustration.
pub(super) struct Drawn {
    pub title: &'static str,
    pub question: &'static str,
    pub answer: String,
    pub sections: Vec<(String, Vec<Panel>)>,
    /// For the terminal and the page: the first row is the head.
    pub table: Vec<Vec<String>>,
    pub guide: Vec<(String, String)>,
    /// The numbers of the curves, as CSV.
    pub csv: Vec<u8>,
}

/// Computes an illustration, says what came of it, and writes its files.
pub(super) fn drawn<C: Serialize, T: Serialize>(
    name: &'static str,
    place: &PlaceArgs,
    config: &C,
    compute: impl FnOnce(&C, &Device) -> Result<T, IllustrationError>,
    describe: impl FnOnce(&T) -> Result<Drawn, CliError>,
) -> Result<(), CliError> {
    let opened = place.compute.device.open()?;
    let run_place = RunPlace::of(&place.folder, || format!("illustrate-{name}"))?;
    let mut settings: Map<String, Value> = details_of(config)?;
    settings.insert("illustration".into(), name.into());
    settings.insert("device".into(), opened.name.into());
    let store = PartsFolder::open(&run_place, KIND, &settings, place.folder.overwrite)?;
    say(format_args!(
        "{name}: device {}, seed {}",
        opened.name, place.compute.seed
    ));
    let start = Instant::now();
    let data = match compute(config, &opened.device) {
        Ok(data) => data,
        Err(error) => {
            // The failure is what is to be told.
            let _ = store.abandon_if_empty();
            return Err(error.into());
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    let told = describe(&data)?;
    say(format_args!("\n{}", aligned(&told.table, &[0]).trim_end()));
    say(format_args!("\n{}", told.answer));
    write(&store, settings, seconds, told, data)
}

fn write<T: Serialize>(
    store: &PartsFolder,
    settings: Map<String, Value>,
    seconds: f64,
    told: Drawn,
    data: T,
) -> Result<(), CliError> {
    let folder = store.folder();
    let versions = Versions {
        backdraft: env!("CARGO_PKG_VERSION").into(),
        burn: BURN.into(),
    };
    let stage = "compute".to_owned();
    let figure = Figure {
        name: folder.title(),
        title: told.title.into(),
        question: told.question.into(),
        answer: told.answer,
        sections: told.sections,
        tables: vec![("In figures".into(), told.table)],
        guide: told.guide,
        settings: settings.clone(),
        seconds: vec![(stage.clone(), seconds)],
        versions: versions.clone(),
    };
    let record = FigureRecord {
        settings,
        versions,
        timings: vec![Timing { stage, seconds }],
        data,
    };
    folder.write(DATA, &told.csv)?;
    folder.write(Report::FILE, figure.to_html()?.as_bytes())?;
    let files = [ASKED, DATA, Report::FILE].map(String::from);
    store.finish(&record.to_json()?, &files)?;
    say(format_args!(
        "\nwritten to {}; open {}",
        quote::path(folder.path()),
        quote::path(&folder.path().join(Report::FILE))
    ));
    Ok(())
}
