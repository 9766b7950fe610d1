//! `report.html` of a run that forgets training examples.

use super::{
    UnlearnedRecord, UnlearningMethod, UnlearningRecord,
    guide::ENTRIES,
    plot::{METHODS, ONE_SHOT, by_share},
    table::{called, certificates, head, rows},
};
use crate::{
    OutputError,
    number::{count, plural, short},
    page::{self, Html, SERIES, classed, element, header, page, section, table, text},
    report::{Report, run_facts},
};

/// Everything that the report of unlearning shows.
#[derive(Clone, Debug, PartialEq)]
pub struct UnlearningReport {
    /// The run's name.
    pub title: String,
    /// What `run.json` holds.
    pub record: UnlearningRecord,
}

impl UnlearningReport {
    /// Name of the file in a run's folder.
    pub const FILE: &str = Report::FILE;

    /// The report as a self-contained HTML page: drawings and style are inside it, and it forbids the browser to load
    /// anything else.
    ///
    /// # Errors
    /// [`OutputError::Encode`] if a drawing cannot be made.
    pub fn to_html(&self) -> Result<String, OutputError> {
        let body = [
            self.head(),
            run_facts(&self.record.run),
            self.networks(),
            self.drawings()?,
            self.certificates(),
            page::guide(&ENTRIES),
        ];
        Ok(page(&self.title, body))
    }

    fn head(&self) -> Html {
        let run = &self.record.run;
        let question = format!(
            "The question: how near to a network that never saw {} of the {} training examples of {} does unlearning bring \
             the {}, and what does it cost?",
            count(self.record.forgotten.len()),
            count(run.sizes.train),
            run.settings.data,
            run.settings.model,
        );
        let title = "What is left of what was to be forgotten?";
        header(&self.title, title, &question, &self.answer())
    }

    /// The nearest of each method, beside what there was to undo.
    fn answer(&self) -> String {
        let record = &self.record;
        let distance = |it: &UnlearnedRecord| it.parameter_distance;
        let mut sentences = Vec::new();
        if let Some(apart) = record.trained().and_then(distance) {
            sentences.push(format!(
                "The trained network is {} from the retrained one in its parameters.",
                short(apart)
            ));
        }
        // By all its steps rewinding is retraining.
        let counts = |it: &&UnlearnedRecord| it.share.is_none_or(|share| share < 1.0);
        for (method, _) in METHODS.into_iter().chain(ONE_SHOT) {
            let known = record.of(method).filter(counts);
            let known = known.filter_map(|it| Some((it, distance(it)?)));
            let nearest = known.min_by(|a, b| a.1.total_cmp(&b.1));
            if let Some((it, apart)) = nearest {
                sentences.push(format!(
                    "{} comes to {}{}.",
                    capital(method),
                    short(apart),
                    it.share.map_or_else(String::new, |share| format!(
                        " with {} of the training's steps",
                        short(share)
                    )),
                ));
            }
        }
        sentences.join(" ")
    }

    fn networks(&self) -> Html {
        let head = head(&self.record);
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        let rows = rows(&self.record).into_iter().map(|row| {
            let cells = row.iter().enumerate();
            let cells = cells.map(|(place, cell)| text(if place == 0 { "th" } else { "td" }, cell));
            element("tr", &[], cells)
        });
        let failed = self.record.networks.iter().filter_map(|it| {
            let reason = it.failed.as_ref()?;
            Some(classed("p", "wrong", format!("{}: {reason}", called(it))))
        });
        let note = format!(
            "Distances are from the network retrained without {}; those of outputs in {}, losses in {}.",
            plural(self.record.forgotten.len(), "example"),
            self.record.run.unit.output,
            self.record.run.unit.loss,
        );
        let content = [table("told", &head, rows), classed("p", "note", note)];
        section("The networks", content.into_iter().chain(failed))
    }

    fn drawings(&self) -> Result<Html, OutputError> {
        let record = &self.record;
        let drawings = [
            by_share(
                record,
                ("Distance of the parameters", "distance of the parameters"),
                |it| it.parameter_distance,
                None,
            )?,
            by_share(
                record,
                (
                    "Distance of the test outputs",
                    "distance of the test outputs",
                ),
                |it| it.test_distance,
                None,
            )?,
            by_share(
                record,
                ("Membership by loss", "AUC of losses"),
                |it| it.by_loss.map(|it| it.auc),
                record
                    .retrained()
                    .and_then(|it| it.by_loss)
                    .map(|it| it.auc),
            )?,
        ];
        let captions = [
            "From the retrained network. At 0 stands the trained one. Where an axis goes by powers of ten, a zero has no \
             place on it.",
            "The same of the outputs for a test example, on average.",
            "Whether forgotten examples are told from test examples. Grey: the retrained network, which never saw them.",
        ];
        let figures = drawings
            .into_iter()
            .zip(captions)
            .map(|(drawing, caption)| {
                let drawing = drawing.unwrap_or_else(|| text("p", "There is nothing to draw."));
                let caption = element("figcaption", &[], [self.keys(), text("span", caption)]);
                element("figure", &[("class", "scatter")], [drawing, caption])
            });
        Ok(section("By the steps that were taken", figures))
    }

    /// Of what is drawn.
    fn keys(&self) -> Html {
        let signs = METHODS.into_iter().zip(["●", "▲"]);
        let lines = ONE_SHOT.into_iter().map(|it| (it, "—"));
        let shown = signs.chain(lines);
        let shown = shown.filter(|((method, _), _)| self.record.of(*method).next().is_some());
        let key = |((method, place), sign): ((UnlearningMethod, usize), &str)| {
            classed("span", SERIES[place].1, format!("{sign} {}", method.name()))
        };
        element("span", &[("class", "keys")], shown.map(key))
    }

    fn certificates(&self) -> Html {
        let lines = certificates(&self.record);
        let lines = match lines.is_empty() {
            true => vec!["None was asked for.".to_owned()],
            false => lines,
        };
        section("Certificates", lines.iter().map(|it| text("p", it)))
    }
}

fn capital(method: UnlearningMethod) -> &'static str {
    match method {
        UnlearningMethod::Trained => "The trained network",
        UnlearningMethod::Retrain => "Retraining",
        UnlearningMethod::D2d => "Descent-to-delete",
        UnlearningMethod::R2d => "Rewind-to-delete",
        UnlearningMethod::Influence => "Influence",
        UnlearningMethod::Newton => "The Newton step",
    }
}
