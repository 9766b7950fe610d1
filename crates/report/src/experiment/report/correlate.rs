//! The report of correlations.

use super::{PAPER, PBRF};
use super::{banner, of, plot, remark, row, run, total};
use crate::OutputError;
use crate::experiment::failure::indices;
use crate::experiment::summary::{Changes, changes};
use crate::experiment::table::printed;
use crate::experiment::{
    Correlation, Correlations, Name, PointChanges, Printed, Responses, Spread, paper,
};
use crate::number::{change, count, short_or_dash};
use crate::page::{Html, div, element, guide, header, more, page, section, table, text};

const GUIDE: [(&str, &str); 5] = [
    (
        "A change of loss",
        "loss(without) - loss(with): the loss on a test example after the removal, less that before. Positive: the removed \
         examples helped. Influence predicts it to first order, the factor 1/N included.",
    ),
    (
        "Correlation",
        "Pearson is close to 1 if predicted and actual changes lie on a rising line, Spearman if they agree in order. Both are \
         over all pairs of a removal and a test example; within, they are over the removals for each test example by itself, \
         on average, where differences between test examples play no part.",
    ),
    (
        "Retraining",
        "Warm start goes on from the trained weights without the removed examples, cold start begins anew. Two-stage takes the \
         difference of two warm starts, one with all examples, so that the effect of training longer cancels.",
    ),
    PBRF,
    PAPER,
];

impl Correlations {
    /// The report as a self-contained HTML page.
    ///
    /// # Errors
    /// [`OutputError::Encode`] if a drawing cannot be made.
    pub fn to_html(&self, title: &str) -> Result<String, OutputError> {
        let setup = &self.setup;
        let question = format!(
            "The question: what does the influence of training examples of {} on the test loss of the {} predict: the PBRF, or \
             retraining?",
            setup.data, setup.model,
        );
        let head = header(
            title,
            "What does influence predict?",
            &question,
            &self.answer(),
        );
        let body = [
            head,
            self.agreement()?,
            run(setup, &total(self.points.iter().map(|it| &it.seconds))),
            guide(&GUIDE),
        ];
        Ok(page(title, banner(self.missing()).into_iter().chain(body)))
    }

    fn answer(&self) -> String {
        if self.points.is_empty() {
            return "No removal was followed to its end.".into();
        }
        let told = |(name, found, _): &(Name, Correlation, _)| {
            format!("{} {}", name.title, short_or_dash(found.pearson))
        };
        let told: Vec<String> = self.asked().iter().map(told).collect();
        format!(
            "Pearson's correlation of predicted with actual changes, over {} and {}: {}.",
            of(self.points.len(), "removal"),
            of(self.tests.len(), "test example"),
            told.join(", "),
        )
    }

    fn agreement(&self) -> Result<Html, OutputError> {
        let asked = self.asked();
        let changes = changes(&self.points);
        let plots = asked
            .iter()
            .map(|(name, found, _)| {
                let of_name = changes.iter().find(|(of, _)| of == name);
                scatter(*name, found, of_name.map_or(&[], |(_, changes)| changes))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let compared = asked.iter().any(|(.., paper)| paper.is_some());
        let mut head = vec!["response", "Pearson", "Spearman", "within: P", "within: S"];
        if compared {
            head.extend(["paper: P", "paper: S", "from"]);
        }
        let rows = asked.iter().map(|(name, found, paper)| {
            let pooled = [found.pearson, found.spearman].into_iter();
            let all = pooled.chain([found.pearson_within, found.spearman_within]);
            let paper = paper.iter().flat_map(|paper: &Printed| printed(paper));
            row(name.title, all.map(short_or_dash).chain(paper))
        });
        let subject = paper::subject(&self.setup.model, &self.setup.data).filter(|_| compared);
        let source = subject.map(|subject| text("p", format!("The paper's are of {subject}.")));
        let lead = "Each point is a removal and a test example: across, the change of loss that influence predicts; up, the \
                    change by the response. On the line the two are equal.";
        let content = [
            text("p", lead),
            div("plots", plots),
            table("told", &head, rows),
        ];
        let last = source.into_iter().chain(remark(self.unsolved()));
        Ok(section(
            "Predicted against actual",
            content.into_iter().chain(last).chain([self.removals()]),
        ))
    }

    /// Each removal, by its mean change over the test examples.
    fn removals(&self) -> Html {
        let mean = |changes: &[f64]| match changes {
            [] => "–".to_string(),
            _ => change(Spread::of(changes).mean),
        };
        let removal = |point: &PointChanges| {
            let responses = point.responses.as_ref().into_array();
            let all = [&point.influence].into_iter().chain(responses);
            let removed = indices(&point.removed, &self.setup.train);
            row(&removed, all.map(|changes| mean(changes)))
        };
        let names = Responses::<Correlation>::NAMES.map(|name| name.title);
        let head: Vec<&str> = ["removed", "influence"].into_iter().chain(names).collect();
        let title = format!(
            "All {}, by the mean change of loss over the test examples",
            of(self.points.len(), "removal")
        );
        more(
            &title,
            table("pairs", &head, self.points.iter().map(removal)),
        )
    }
}

fn scatter(name: Name, found: &Correlation, changes: &[Changes]) -> Result<Html, OutputError> {
    let title = format!(
        "{}: Pearson {}, Spearman {}",
        name.title,
        short_or_dash(found.pearson),
        short_or_dash(found.spearman)
    );
    let pairs: Vec<(f64, f64)> = changes
        .iter()
        .flat_map(|(x, y)| x.iter().copied().zip(y.iter().copied()))
        .collect();
    let drawing = plot::scatter(name.title, &pairs)?;
    let drawing = drawing.unwrap_or_else(|| text("p", "There is nothing to draw."));
    let every = plot::every(pairs.len());
    let thinned = (every > 1).then(|| {
        let note = format!("One in {every} of {} pairs is drawn.", count(pairs.len()));
        text("figcaption", note)
    });
    let content = [text("h3", title), drawing];
    Ok(element(
        "figure",
        &[("class", "panel")],
        content.into_iter().chain(thinned),
    ))
}
