//! The report of correlations.

use backdraft_attribution::evaluate::{ByResponse, Changes, Correlation, Name, Pairs, Spread};

use super::{PAPER, PBRF};
use super::{Seconds, Shown, cells, headed, plot, remark, row, total};
use crate::experiment::failure::{Missing, indices, removals, unsolved};
use crate::experiment::{CorrelationsRecord, Printed, Setup, paper};
use crate::number::{change, count, plural, short_or_dash};
use crate::page::{Html, div, element, more, section, table, text};
use crate::{OutputError, Record};

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

impl Record for CorrelationsRecord {
    const FILE: &'static str = "correlate.json";
}

impl Shown for CorrelationsRecord {
    const GUIDE: &'static [(&'static str, &'static str)] = &GUIDE;

    fn missing(&self) -> Option<Missing> {
        removals(&self.failed, self.points.len(), &self.setup.train)
    }

    fn unsolved(&self) -> Option<String> {
        unsolved(self.points.iter().map(|it| (it.solved, it.residual)))
    }
    fn source(&self) -> Option<String> {
        Some(format!("paper: {}", self.subject()?))
    }

    /// The correlations of influence with each response that was asked for, beside the paper's.
    fn rows(&self) -> (Vec<Vec<String>>, &'static [usize]) {
        let mut head = vec!["response", "Pearson", "Spearman", "P within", "S within"];
        if self.is_compared() {
            head.extend(["paper P", "paper S", "from"]);
        }
        let rows = self.asked().into_iter().map(|(name, found, paper)| {
            let pooled = [found.pearson, found.spearman].into_iter();
            let all = pooled.chain([found.pearson_within, found.spearman_within]);
            let cells = [name.title.to_string()].into_iter();
            let cells = cells.chain(all.map(short_or_dash));
            cells.chain(paper.iter().flat_map(printed)).collect()
        });
        (headed(head, rows), &[0, 7])
    }

    fn note(&self) -> String {
        format!(
            "predicted against actual changes of loss, loss(without) - loss(with), in {}, over {} and {} test examples;\n\
             within: over the removals for each test example by itself, on average",
            self.setup.unit.loss,
            plural(self.points.len(), "removal"),
            count(self.tests.len()),
        )
    }

    fn heading(&self) -> String {
        "What does influence predict?".into()
    }

    fn question(&self) -> String {
        format!(
            "what does the influence of training examples of {} on the test loss of the {} predict: the PBRF, or \
             retraining?",
            self.setup.data, self.setup.model,
        )
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
            plural(self.points.len(), "removal"),
            plural(self.tests.len(), "test example"),
            told.join(", "),
        )
    }

    fn setup(&self) -> Option<&Setup> {
        Some(&self.setup)
    }

    fn seconds(&self) -> Seconds {
        total(self.points.iter().map(|it| &it.seconds))
    }

    fn sections(&self) -> Result<Vec<Html>, OutputError> {
        Ok(vec![self.agreement()?])
    }
}

impl CorrelationsRecord {
    /// Whether the paper has figures for any response that was asked for.
    fn is_compared(&self) -> bool {
        self.asked().iter().any(|(.., paper)| paper.is_some())
    }

    /// What the paper's figures are of, where there are any.
    fn subject(&self) -> Option<String> {
        paper::subject(&self.setup.model, &self.setup.data).filter(|_| self.is_compared())
    }

    fn agreement(&self) -> Result<Html, OutputError> {
        let asked = self.asked();
        let changes = Changes::pairs(&self.points);
        let plots = asked
            .iter()
            .map(|(name, found, _)| {
                let of_name = changes.iter().find(|(of, _)| of == name);
                scatter(*name, found, of_name.map_or(&[], |(_, changes)| changes))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut head = vec!["response", "Pearson", "Spearman", "within: P", "within: S"];
        if self.is_compared() {
            head.extend(["paper: P", "paper: S", "from"]);
        }
        let subject = self.subject();
        let source = subject.map(|subject| text("p", format!("The paper's are of {subject}.")));
        let lead = "Each point is a removal and a test example: across, the change of loss that influence predicts; up, the \
                    change by the response. On the line the two are equal.";
        let content = [
            text("p", lead),
            div("plots", plots),
            table(
                "told",
                &head,
                self.rows().0.iter().skip(1).map(|row| cells(row)),
            ),
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
        let removal = |point: &Changes| {
            let responses = point.responses.as_ref().into_array();
            let all = [&point.influence].into_iter().chain(responses);
            let removed = indices(&point.removed, &self.setup.train);
            row(&removed, all.map(|changes| mean(changes)))
        };
        let names = ByResponse::<Correlation>::NAMES.map(|name| name.title);
        let head: Vec<&str> = ["removed", "influence"].into_iter().chain(names).collect();
        let title = format!(
            "All {}, by the mean change of loss over the test examples",
            plural(self.points.len(), "removal")
        );
        more(
            &title,
            table("pairs", &head, self.points.iter().map(removal)),
        )
    }
}

fn scatter(name: Name, found: &Correlation, changes: &[Pairs<'_>]) -> Result<Html, OutputError> {
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
    let response = name.title;
    let drawing = plot::scatter(
        &format!("Change of loss by influence and by {response}"),
        [
            "change of loss by influence",
            &format!("change of loss by {response}"),
        ],
        &pairs,
    )?;
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

/// The paper's correlations as it prints them, and their table.
fn printed(paper: &Printed) -> [String; 3] {
    let Printed {
        pearson,
        spearman,
        table,
    } = paper;
    // The paper has two-stage retraining with the Hessian alone.
    let note = if *table == 8 { ", Hessian" } else { "" };
    [
        format!("{pearson:.2}"),
        format!("{spearman:.2}"),
        format!("Table {table}{note}"),
    ]
}
