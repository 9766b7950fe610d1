//! `report.html` of a run of Bayesian influence.

use super::{BayesRecord, BayesRow, drawing::traces, guide::ENTRIES};
use crate::{
    Explained, Labels, Layout, OutputError, Rise,
    experiment::scatter,
    number::{brief, change, count, percent, plural, short, short_or_dash},
    page::{
        self, Html, classed, element, header, page, quality, run_section, section, table, text,
    },
    report::{Report, strongest_examples},
};

/// Everything that the report of Bayesian influence shows.
#[derive(Clone, Debug, PartialEq)]
pub struct BayesReport {
    /// The run's name.
    pub title: String,
    /// What `run.json` holds.
    pub record: BayesRecord,
    /// The targets of all training examples.
    pub labels: Labels,
    /// How examples are shown.
    pub layout: Layout,
    /// The mean training loss at each draw, in the record's unit, a list a chain.
    pub losses: Vec<Vec<f64>>,
    /// The record's rows, in their order.
    pub rows: Vec<SampledRow>,
}

/// What a report shows of one row of scores.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledRow {
    /// The strongest examples.
    pub explained: Explained,
    /// What is measured at each draw, in its unit, a list a chain.
    pub traces: Vec<Vec<f64>>,
    /// The score of every training example.
    pub scores: Vec<f64>,
    /// Their standard errors.
    pub errors: Vec<f64>,
    /// Influence of the same, with the matched damping; empty where it was not asked for.
    pub influence: Vec<f64>,
}

impl BayesReport {
    /// Name of the file in a run's folder.
    pub const FILE: &str = Report::FILE;

    /// The report as a self-contained HTML page.
    ///
    /// # Errors
    /// [`OutputError::Length`] if there are not as many rows as the record has, or not as many numbers as training
    /// examples; [`OutputError::Encode`] if a drawing cannot be made.
    pub fn to_html(&self) -> Result<String, OutputError> {
        let record = &self.record;
        OutputError::check_len("rows", record.rows.len(), self.rows.len())?;
        let articles = record.rows.iter().zip(&self.rows);
        let articles = articles
            .map(|(record, row)| self.article(record, row))
            .collect::<Result<Vec<_>, _>>()?;
        let title = match record.measure.rise {
            Rise::Worse | Rise::Better => "Who helped, who harmed",
            Rise::Neither => "Who raised it, who lowered it",
        };
        let body = [
            self.head(),
            self.run(),
            section("The chains", self.chains()?),
            section(title, articles),
            page::guide(&ENTRIES),
        ];
        Ok(page(&self.title, body))
    }

    fn head(&self) -> Html {
        let record = &self.record;
        let question = format!(
            "The question: which of the {} training examples of {} moved the {} of the {} on {}, in the mean over a \
             posterior about its weights?",
            count(record.sizes.train),
            record.settings.data,
            record.measure.quantity(),
            record.settings.model,
            match record.measure.mean_over {
                Some(examples) => format!("{} test examples", count(examples)),
                None => plural(record.rows.len(), "test example"),
            },
        );
        let title = "Which training examples does this network's posterior answer to?";
        header(&self.title, title, &question, &record.verdict())
    }

    /// The run in a few facts, and all its settings.
    fn run(&self) -> Html {
        let record = &self.record;
        let (settings, sampling) = (&record.settings, &record.sampling);
        let seconds: f64 = record.timings.iter().map(|it| it.seconds).sum();
        let main = [
            ("Model", settings.model.clone()),
            ("Parameters", count(record.sizes.parameters)),
            ("Data", settings.data.clone()),
            ("Measured", record.measure.told()),
            ("Train", quality(record.sizes.train, &record.metrics.train)),
            ("Test", quality(record.sizes.test, &record.metrics.test)),
            (
                "Chains",
                format!(
                    "{} of {} draws, {} steps apart, after {}",
                    sampling.chains,
                    count(sampling.draws),
                    sampling.thinning,
                    plural(sampling.burn_in, "step")
                ),
            ),
            ("Step size", short(sampling.step_size)),
            ("Localisation", short(sampling.localisation)),
            ("Inverse temperature", brief(sampling.inverse_temperature)),
            ("Matched damping", short_or_dash(settings.damping)),
            ("Device", settings.device.clone()),
            ("Seed", settings.seed.to_string()),
            ("Time", format!("{} s", short(seconds))),
        ];
        let timings = record.timings.iter().map(|it| (&it.stage, it.seconds));
        run_section(main, &settings.details, timings, &record.versions, None)
    }

    fn chains(&self) -> Result<Vec<Html>, OutputError> {
        let sampling = &self.record.sampling;
        let unit = format!("training loss, {}", self.record.unit.loss);
        let mut parts = vec![self.diagnostics()];
        parts.extend(traces(
            "The mean training loss by draw, a line a chain",
            &unit,
            &self.losses,
        )?);
        let told = format!(
            "The mean training loss is {} at the weights and {} in the mean over the draws.",
            short(sampling.loss_at_weights),
            short(sampling.mean_loss)
        );
        parts.push(classed("p", "note", told));
        Ok(parts)
    }

    /// R-hat and sample sizes, and how the scores compare with influence.
    fn diagnostics(&self) -> Html {
        let sampling = &self.record.sampling;
        let cell = |it: Option<f64>, digits: usize| {
            text(
                "td",
                it.map_or_else(|| "–".into(), |it| format!("{it:.digits$}")),
            )
        };
        let compared = self.record.rows.iter().any(|it| it.influence.is_some());
        let mut head = vec!["measured", "R-hat", "bulk ESS", "tail ESS", "told apart"];
        if compared {
            head.extend(["Pearson", "Spearman", "slope"]);
        }
        let cells = |name: String, of: &backdraft_attribution::Convergence| {
            vec![
                text("th", name),
                cell(of.r_hat, 4),
                cell(of.bulk_ess, 0),
                cell(of.tail_ess, 0),
            ]
        };
        let first = cells("training loss".into(), &sampling.convergence);
        let rows = self.record.rows.iter().map(|it| {
            let name = it.name(self.record.measure.mean_over);
            let mut row = cells(name, &it.convergence);
            row.push(text("td", percent(it.told_apart)));
            if let Some(found) = &it.influence {
                let numbers = [found.pearson, found.spearman, found.slope];
                row.extend(numbers.map(|it| text("td", short_or_dash(it))));
            }
            row
        });
        let rows = std::iter::once(first).chain(rows);
        table("told", &head, rows.map(|row| element("tr", &[], row)))
    }

    fn article(&self, record: &BayesRow, row: &SampledRow) -> Result<Html, OutputError> {
        let train = self.record.sizes.train;
        OutputError::check_len("scores", train, row.scores.len())?;
        OutputError::check_len("standard errors", train, row.errors.len())?;
        let measure = &self.record.measure;
        let source = record.source.as_ref();
        let source = source.map_or_else(String::new, |it| format!(", {it}"));
        let mut parts = vec![
            text("h3", format!("{}{source}", record.name(measure.mean_over))),
            text("p", self.told(record)),
            strongest_examples((&self.layout, &self.labels, measure), &row.explained)?,
            self.strongest(row),
        ];
        let title = format!("{}, {}", measure.words, measure.unit);
        parts.extend(traces("What is measured by draw", &title, &row.traces)?);
        if !row.influence.is_empty() {
            OutputError::check_len("scores by influence", train, row.influence.len())?;
            let pairs = row
                .influence
                .iter()
                .copied()
                .zip(row.scores.iter().copied());
            let pairs: Vec<(f64, f64)> = pairs.collect();
            let titles = ["influence with the matched damping", "Bayesian influence"];
            parts.extend(scatter(
                "Influence against Bayesian influence",
                titles,
                &pairs,
            )?);
        }
        Ok(element("article", &[("class", "query")], parts))
    }

    /// What is measured of a row, and what was predicted.
    fn told(&self, record: &BayesRow) -> String {
        let labels = record.label.zip(record.predicted);
        let labels = labels.map_or_else(String::new, |(label, predicted)| {
            format!(
                "Label {}, predicted {}. ",
                self.labels.text(label),
                self.labels.text(predicted)
            )
        });
        format!(
            "{labels}The {} is {} at the weights and {} in the mean over the draws.",
            self.record.measure.quantity(),
            short(record.at_weights),
            short(record.mean)
        )
    }

    /// The strongest scores with their standard errors.
    fn strongest(&self, row: &SampledRow) -> Html {
        let strongest = row.explained.positive.iter().chain(&row.explained.negative);
        let compared = !row.influence.is_empty();
        let mut head = vec!["example", "label", "score", "standard error"];
        head.extend(compared.then_some("influence"));
        let rows = strongest.map(|it| {
            let index = it.example.index;
            let mut cells = vec![
                text("th", it.example.name()),
                text("td", self.labels.text(it.example.label)),
                text("td", change(it.score)),
                text(
                    "td",
                    short(row.errors.get(index).copied().unwrap_or(f64::NAN)),
                ),
            ];
            let influence = row.influence.get(index);
            cells.extend(influence.map(|it| text("td", change(*it))));
            element("tr", &[], cells)
        });
        table("told", &head, rows)
    }
}
