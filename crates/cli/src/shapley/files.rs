//! The files of a run of `shapley`.

use backdraft::attribution::valuation::Performance;
use backdraft_report::{
    Contents, Example, Measure, Record, Report, Rise, RunRecord,
    valuation::{
        MeasuredPerformance, VALUES_FILE, ValuationRecord, ValuationReport, ends, valuation_table,
        values_csv,
    },
};

use super::{
    run::{ShapleyRun, Valued},
    settings::GameSettings,
};
use crate::{
    CliError,
    display::{labels, layout, target},
    inputs::WRONG_LABELS,
    progress::say,
    run_folder::{CHECKSUMS, Kind, MODEL, PARTS, STATE},
    weights,
};

/// What was asked.
const ASKED: &str = "shapley.json";

/// What is in the folder of a whole run, but for its record.
const WHOLE: [&str; 5] = [
    ASKED,
    weights::FILE,
    WRONG_LABELS,
    VALUES_FILE,
    Report::FILE,
];

pub(super) const KIND: Kind = Kind {
    name: "a valuation",
    contents: Contents {
        record: ASKED,
        results: &[RunRecord::FILE],
        others: &[
            weights::FILE,
            WRONG_LABELS,
            VALUES_FILE,
            Report::FILE,
            CHECKSUMS,
            STATE,
            PARTS,
        ],
        parts: &[],
    },
    network: MODEL,
    // Values and curves are of networks trained again, and bear digests of what decides them; those of neighbours bear
    // that of their features.
    computed: &[],
};

impl ShapleyRun<'_> {
    /// Writes everything, and the record last: it says that the run is whole.
    pub(super) fn finish(&self, found: &Valued) -> Result<(), CliError> {
        let inputs = self.network.inputs;
        let folder = self.network.store.folder();
        let trained = &found.network;
        self.network
            .write_weights(&trained.module, &trained.on_train)?;
        let (players, labels) = (self.players.told(inputs), labels(&inputs.dataset));
        let table = values_csv(&players, &found.columns, &labels)?;
        folder.write(VALUES_FILE, &table)?;
        let record = self.record(found)?;
        say(format_args!(
            "\na coalition is {}; without players it is {}\n\n{}",
            record.performance.trained,
            record.performance.empty,
            valuation_table(&record).trim_end()
        ));
        let report = ValuationReport {
            title: folder.title(),
            record,
            labels,
            layout: layout(&inputs.dataset),
            players,
            columns: found.columns.clone(),
            examples: self.shown(found),
        };
        folder.write(Report::FILE, report.to_html()?.as_bytes())?;
        let record = report.record.to_json()?;
        self.network.finish(&record, &WHOLE.map(String::from))
    }

    /// The examples at either end of the values.
    fn shown(&self, found: &Valued) -> Vec<Example> {
        let Some(column) = found.columns.first().filter(|_| !self.players.is_grouped()) else {
            return Vec::new();
        };
        let dataset = &self.network.inputs.dataset;
        let ends = ends(&column.values).concat().into_iter();
        ends.map(|index| Example {
            index,
            source: dataset.train_place(index),
            label: target(dataset, &dataset.train, index),
            features: dataset.original_inputs(dataset.train.row(index)),
        })
        .collect()
    }

    fn record(&self, found: &Valued) -> Result<ValuationRecord, CliError> {
        let network = &self.network;
        let rows = network.inputs.dataset.train.rows;
        let asked = GameSettings::of(self.args, rows);
        let settings = network.settings(Some(("cg", found.network.damping)), &asked)?;
        let seconds = found.seconds.iter();
        let seconds: Vec<(&str, f64)> = seconds.map(|(stage, it)| (stage.as_str(), *it)).collect();
        let trained = &found.network;
        let run = network.record(settings, trained.metrics, trained.parameters, &seconds);
        let noise = network.inputs.noise.as_ref();
        let measure = self.measure();
        Ok(ValuationRecord {
            performance: MeasuredPerformance {
                name: self.performance.name().into(),
                unit: measure.unit.clone(),
                measured: self.examples.measured.len(),
                held_out: self.examples.held_out.len(),
                trained: trained.trained.into(),
                empty: trained.empty_is.into(),
            },
            run: RunRecord {
                measure: Some(measure),
                ..run
            },
            players: self.players.count(),
            grouped: self.players.is_grouped(),
            methods: found.methods.clone(),
            agreement: found.agreement.clone(),
            curves: found.curves.clone(),
            random: found.random.clone(),
            found: found.found.clone(),
            wrong: noise.map_or(0, |it| it.changes.len()),
        })
    }

    /// What is measured of the test examples.
    fn measure(&self) -> Measure {
        let of = |words: &str, unit: &str| Measure {
            name: self.performance.name().into(),
            words: words.into(),
            unit: unit.into(),
            factor: 1.0,
            rise: Rise::Better,
            mean_over: None,
        };
        let measure = match self.performance {
            Performance::Accuracy => of("accuracy", "a share of the measured examples"),
            Performance::R2 => of("R2", "a share of the variance of the targets"),
            Performance::Loss => Measure::loss(self.network.unit),
        };
        measure.mean(self.examples.measured.len())
    }
}
