//! The report of estimators held against what removals really do.

use backdraft_attribution::evaluate::{ActualChange, EstimatorOutcome};

use super::{Seconds, Shown, cells, headed, plot, remark, row};
use crate::experiment::Setup;
use crate::experiment::failure::{Missing, indices, removals};
use crate::experiment::validation::{EstimatorRecord, ValidationRecord};
use crate::number::{change, count, percent, plural, short, short_or_dash};
use crate::page::{Html, div, element, more, section, table, text};
use crate::{OutputError, Record};

const HEAD: [&str; 7] = [
    "estimator",
    "Pearson",
    "Spearman",
    "slope",
    "found",
    "residual",
    "seconds",
];

const GUIDE: [(&str, &str); 6] = [
    (
        "Actual change",
        "The training example is taken away, the network is fitted again without it, and the loss of the test example \
         is measured again: loss(without) - loss(with). Positive: it helped.",
    ),
    (
        "Predicted change",
        "The example's score: 1/N times the inner product of its gradient with what the estimator makes of the inverse \
         of the curvature times the test example's gradient. Nothing is fitted again.",
    ),
    (
        "Pearson, Spearman, slope",
        "Pearson's correlation answers whether predicted and actual changes lie on a line, Spearman's whether they \
         have the same order, and the slope of the actual on the predicted changes whether the size is right: 1 if it \
         is, more where the prediction is too small.",
    ),
    (
        "Found",
        "The share of the removed examples that the estimator itself has among as many of its strongest: whether it \
         would have named the same ones.",
    ),
    (
        "Residual",
        "How far the estimator's inverse is from solving the system, relative to the right-hand side: 0 for an exact \
         solution. Of the last layer alone it is of that layer's system; with another matrix it says nothing.",
    ),
    (
        "Newton",
        "The Newton estimate takes the curvature that is left without the example, where influence takes the curvature \
         with the example still in it.",
    ),
];

impl Record for ValidationRecord {
    const FILE: &'static str = "validate.json";
}

impl Shown for ValidationRecord {
    const GUIDE: &'static [(&'static str, &'static str)] = &GUIDE;

    fn missing(&self) -> Option<Missing> {
        removals(&self.failed, self.changes.len(), &self.setup.train)
    }

    /// How sure the actual changes are.
    fn unsolved(&self) -> Option<String> {
        let largest = |of: fn(&ActualChange) -> Option<f64>| {
            self.changes.iter().filter_map(of).reduce(f64::max)
        };
        let error = largest(|it| it.error)?;
        let gradient = largest(|it| it.gradient)?;
        let sizes = self.changes.iter().map(|it| it.change.abs());
        let least = sizes.reduce(f64::min)?;
        Some(format!(
            "the gradients left in the refits are at most {}, which moves no change by more than {} to first order; \
             the least change is {}",
            short(gradient),
            short(error),
            short(least)
        ))
    }

    fn source(&self) -> Option<String> {
        let reasons: Vec<String> = self
            .estimators
            .iter()
            .filter_map(|it| Some(format!("{} is left out: {}", it.name(), it.failure()?)))
            .collect();
        (!reasons.is_empty()).then(|| reasons.join("\n"))
    }

    fn rows(&self) -> (Vec<Vec<String>>, &'static [usize]) {
        (headed(HEAD, self.estimators.iter().map(cells_of)), &[0])
    }

    fn note(&self) -> String {
        format!(
            "predicted against actual changes of the loss of test example {}, loss(without) - loss(with), in {},\n\
             over the removal of each of {} with the largest influence on it",
            self.query.index,
            self.setup.unit.loss,
            plural(self.points.len(), "training example"),
        )
    }

    fn heading(&self) -> String {
        "Which estimator of influence comes near what removals do?".into()
    }

    fn question(&self) -> String {
        format!(
            "the {} training examples of {} with the largest influence on {} were removed from the training of the \
             {}, one by one. How near does each estimator of influence come to what that did to the test example's \
             loss?",
            count(self.points.len()),
            self.setup.data,
            self.query.told(),
            self.setup.model,
        )
    }

    fn answer(&self) -> String {
        if self.changes.is_empty() {
            return "No removal was followed to its end.".into();
        }
        let told = |it: &EstimatorRecord| {
            Some(format!(
                "{} {}",
                it.name(),
                short_or_dash(it.quality?.pearson)
            ))
        };
        let told: Vec<String> = self.estimators.iter().filter_map(told).collect();
        format!(
            "Pearson's correlation of predicted with actual changes, over {}: {}.",
            plural(self.changes.len(), "removal"),
            told.join(", "),
        )
    }

    fn setup(&self) -> Option<&Setup> {
        Some(&self.setup)
    }

    fn seconds(&self) -> Seconds {
        let estimators = self
            .estimators
            .iter()
            .filter_map(|it| match &it.found.outcome {
                EstimatorOutcome::Done(done) => Some((it.name().to_owned(), done.seconds)),
                EstimatorOutcome::Failed(_) => None,
            });
        let refits: f64 = self.changes.iter().map(|it| it.seconds).sum();
        estimators.chain([("refits".to_owned(), refits)]).collect()
    }

    fn sections(&self) -> Result<Vec<Html>, OutputError> {
        Ok(vec![self.panels()?, self.removed()])
    }
}

impl ValidationRecord {
    fn panels(&self) -> Result<Html, OutputError> {
        let panels = self.estimators.iter().map(|it| self.panel(it));
        let panels = panels.collect::<Result<Vec<_>, _>>()?;
        let lead = format!(
            "Each point is a training example: across, the change of the loss of {} that the estimator predicts of its \
             removal; up, the change that removing it and fitting again made ({}). On the line the two are equal.",
            self.query.told(),
            self.refit
        );
        let rows = self.estimators.iter().map(|it| cells(&cells_of(it)));
        let content = [
            text("p", lead),
            div("plots", panels),
            table("told", &HEAD, rows),
        ];
        Ok(section(
            "Predicted against actual",
            content.into_iter().chain(remark(self.unsolved())),
        ))
    }

    /// An estimator's predictions against the actual changes, or why there are none.
    fn panel(&self, estimator: &EstimatorRecord) -> Result<Html, OutputError> {
        let name = estimator.name();
        let content = match (&estimator.found.outcome, estimator.quality) {
            (EstimatorOutcome::Done(prediction), Some(quality)) => {
                let pairs = self.pairs(prediction);
                let drawing = plot::scatter(
                    &format!("Change of loss by {name} and by refitting"),
                    [&format!("predicted by {name}"), "actual change of loss"],
                    &pairs,
                )?;
                let drawing = drawing.unwrap_or_else(|| text("p", "There is nothing to draw."));
                let title = format!(
                    "{name}: Pearson {}, slope {}, {} s",
                    short_or_dash(quality.pearson),
                    short_or_dash(quality.slope),
                    short(prediction.seconds)
                );
                let captions = [prediction.described.clone(), scale(prediction.scale)];
                let captions = captions.into_iter().flatten();
                let caption = captions.map(|it| text("figcaption", format!("{it}.")));
                let shown = [text("h3", title), drawing].into_iter();
                shown.chain(caption).collect::<Vec<_>>()
            }
            (outcome, _) => {
                let reason = match outcome {
                    EstimatorOutcome::Failed(reason) => reason,
                    EstimatorOutcome::Done(_) => "there is nothing to hold it against",
                };
                let title = format!("{name}: left out");
                vec![text("h3", title), text("p", reason)]
            }
        };
        Ok(element("figure", &[("class", "panel")], content))
    }

    /// Each removal with what was predicted.
    fn removed(&self) -> Html {
        let done: Vec<(&str, &[Option<f64>])> = self.predictions().collect();
        let head: Vec<&str> = ["removed", "actual"]
            .into_iter()
            .chain(done.iter().map(|(name, _)| *name))
            .collect();
        let removal = |it: &ActualChange| {
            let place = self.points.iter().position(|&point| point == it.example);
            let predicted = done.iter().map(|(_, all)| {
                let predicted = place.and_then(|place| *all.get(place)?);
                predicted.map_or_else(|| "–".to_owned(), change)
            });
            let cells = [change(it.change)].into_iter().chain(predicted);
            row(&indices(&[it.example], &self.setup.train), cells)
        };
        let title = format!("All {}", plural(self.changes.len(), "removal"));
        let rows = self.changes.iter().map(removal);
        section(
            "The removals",
            [
                text("p", "The largest influence in size first."),
                more(&title, table("pairs", &head, rows)),
            ],
        )
    }
}

fn scale(scale: Option<f64>) -> Option<String> {
    scale.map(|scale| format!("scale {}", short(scale)))
}

/// An estimator's row of the table.
fn cells_of(estimator: &EstimatorRecord) -> Vec<String> {
    let dash = || "–".to_owned();
    let mut cells = vec![estimator.name().to_owned()];
    let EstimatorOutcome::Done(found) = &estimator.found.outcome else {
        cells.extend((1..HEAD.len()).map(|_| dash()));
        return cells;
    };
    let quality = estimator.quality.unwrap_or_default();
    let statistics = [quality.pearson, quality.spearman, quality.slope];
    cells.extend(statistics.map(short_or_dash));
    cells.push(found.overlap.map_or_else(dash, percent));
    cells.push(short_or_dash(found.residual));
    cells.push(short(found.seconds));
    cells
}
