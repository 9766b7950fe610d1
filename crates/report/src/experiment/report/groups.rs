//! The report of effects of groups.

use backdraft_attribution::evaluate::{GroupAgreement, GroupEffect};

use super::{SIGNS, Seconds, Shown, cells, headed, keys, plot, remark, total};
use crate::experiment::failure::{Missing, Places, removals, unsolved};
use crate::experiment::{GroupAgreementRecord, GroupsPointRecord, GroupsRecord, Setup};
use crate::number::{count, plural, short, short_or_dash};
use crate::page::{Html, SERIES, div, element, more, section, table, text};
use crate::{OutputError, Record};

const GUIDE: [(&str, &str); 5] = [
    (
        "An effect",
        "loss(without) - loss(with): the loss on a test example once the group is removed, less that before. Positive: the group \
         helped.",
    ),
    (
        "The groups",
        "Random ones; examples of one class, drawn among those with enough; and a random example with those whose inputs are \
         nearest to its own.",
    ),
    (
        "Influence",
        "The sum of the scores of the group's examples: the effect to first order, with the curvature of all examples. As a group \
         grows, the curvature that goes with it matters: influence keeps the order of effects and falls short of their size.",
    ),
    (
        "Newton estimate",
        "The loss where one Newton step without the group leads to: influence with the curvature of the examples that stay.",
    ),
    (
        "Slope",
        "Of predicted on actual effects, over all pairs of a group and a test example: below 1 where effects are underestimated. \
         Koh et al. (2019, Figures 1 and 2) find Spearman correlations near 1 and slopes below 1 for influence, the further below \
         the weaker the L2 term.",
    ),
];

impl Record for GroupsRecord {
    const FILE: &'static str = "groups.json";
}

impl Shown for GroupsRecord {
    const GUIDE: &'static [(&'static str, &'static str)] = &GUIDE;

    fn missing(&self) -> Option<Missing> {
        let mut all: Vec<String> = self
            .failures
            .iter()
            .map(|(l2, reason)| format!("l2 {}: {reason}.", short(*l2)))
            .collect();
        let given_up = all.first().map(|first| {
            let values = self.failures.len() + self.points.len();
            format!(
                "{} of {values} strengths of the L2 term failed. The first: {first}",
                all.len()
            )
        });
        let failed: Vec<_> = self
            .points
            .iter()
            .flat_map(|it| it.failed.clone())
            .collect();
        let done = self.points.iter().map(|it| it.groups.len()).sum();
        let groups = removals(&failed, done, &Places::new());
        let summary: Vec<String> = given_up
            .into_iter()
            .chain(groups.as_ref().map(|it| it.summary.clone()))
            .collect();
        all.extend(groups.into_iter().flat_map(|it| it.all));
        (!summary.is_empty()).then(|| Missing {
            summary: summary.join(" "),
            all,
        })
    }

    fn unsolved(&self) -> Option<String> {
        unsolved(self.effects().map(|it| (it.solved, it.residual)))
    }

    fn source(&self) -> Option<String> {
        let sentence = "Koh et al. (2019), Figures 1 and 2: influence is right in order (Spearman near 1) and falls short in size \
                        (slope below 1)";
        Some(sentence.into())
    }

    fn rows(&self) -> (Vec<Vec<String>>, &'static [usize]) {
        let rows = self.points.iter().flat_map(|point| {
            let whole = point.agreements.iter().filter(|it| it.size.is_none());
            whole.map(|it| row(point, it))
        });
        (headed(HEAD, rows), &[1])
    }

    fn note(&self) -> String {
        let setup = self.points.first();
        let unit = setup.map_or("", |it| it.setup.unit.loss.as_str());
        let tests = setup.map_or(0, |it| it.tests.len());
        format!(
            "predicted and actual effects of removing groups, loss(without) - loss(with), in {unit}, on {};\n\
             slope: of predicted on actual effects, below 1 where they are underestimated",
            plural(tests, "test example")
        )
    }

    fn heading(&self) -> String {
        "What does the removal of groups do?".into()
    }

    fn question(&self) -> String {
        let setup = self.setup();
        let [data, model] = [setup.map(|it| &it.data), setup.map(|it| &it.model)]
            .map(|it| it.cloned().unwrap_or_default());
        format!(
            "how well do influence and the Newton estimate predict what the removal of groups of training examples of {data} does \
             to the test losses of the {model}?"
        )
    }

    fn answer(&self) -> String {
        let told = |point: &GroupsPointRecord| {
            let all = point.agreements.first()?;
            let of = |it: &GroupAgreement| {
                format!(
                    "Spearman {}, slope {}",
                    short_or_dash(it.spearman),
                    short_or_dash(it.slope)
                )
            };
            Some(format!(
                "With the L2 term {}, over {}: influence {}; Newton {}.",
                short(point.l2),
                plural(all.groups, "group"),
                of(&all.influence),
                of(&all.newton)
            ))
        };
        let told: Vec<String> = self.points.iter().filter_map(told).collect();
        told.join(" ")
    }

    fn setup(&self) -> Option<&Setup> {
        self.points.first().map(|it| &it.setup)
    }

    fn seconds(&self) -> Seconds {
        total(self.effects().map(|it| &it.seconds))
    }

    fn sections(&self) -> Result<Vec<Html>, OutputError> {
        let mut sections = Vec::new();
        for point in &self.points {
            sections.push(point.section()?);
        }
        let last = [remark(self.source()), remark(self.unsolved())];
        let whole = table(
            "told",
            &HEAD,
            self.rows().0.iter().skip(1).map(|row| cells(row)),
        );
        let content = [whole].into_iter().chain(last.into_iter().flatten());
        sections.push(section("In figures", content));
        Ok(sections)
    }
}

const HEAD: [&str; 10] = [
    "l2",
    "groups",
    "size",
    "number",
    "inf. P",
    "inf. S",
    "inf. slope",
    "Newton P",
    "Newton S",
    "Newton slope",
];

fn row(point: &GroupsPointRecord, it: &GroupAgreementRecord) -> Vec<String> {
    let mut row = vec![
        short(point.l2),
        it.kind.map_or("all", |kind| kind.name()).into(),
        it.size.map_or_else(|| "all".into(), count),
        count(it.groups),
    ];
    for agreement in [&it.influence, &it.newton] {
        let all = [agreement.pearson, agreement.spearman, agreement.slope];
        row.extend(all.map(short_or_dash));
    }
    row
}

impl GroupsRecord {
    fn effects(&self) -> impl Iterator<Item = &GroupEffect> {
        let groups = self.points.iter().flat_map(|it| &it.groups);
        groups.map(|it| &it.effect)
    }
}

impl GroupsPointRecord {
    fn section(&self) -> Result<Html, OutputError> {
        let panels = [
            self.panel("Influence", |it| &it.influence)?,
            self.panel("Newton estimate", |it| &it.newton)?,
        ];
        let kinds = self.kinds();
        let series = kinds.iter().zip(SIGNS.into_iter().zip(SERIES));
        let keys = keys(series.map(|(kind, (sign, (_, class)))| (sign, class, kind.name())));
        let lead = "Each point is a group and a test example: across, what the group's removal does to the example's loss; up, what \
                    is predicted. On the line the two are equal.";
        let rows = self.agreements.iter().map(|it| cells(&row(self, it)));
        let content = [
            text("p", lead),
            element("p", &[], [keys]),
            div("plots", panels),
            more("Of each kind and size", table("told", &HEAD, rows)),
        ];
        Ok(section(&format!("L2 term {}", short(self.l2)), content))
    }

    fn panel(&self, name: &str, of: fn(&GroupEffect) -> &[f64]) -> Result<Html, OutputError> {
        let agreement = GroupAgreement::of(self.groups.iter().map(|it| &it.effect), of);
        let title = format!(
            "{name}: Spearman {}, slope {}",
            short_or_dash(agreement.spearman),
            short_or_dash(agreement.slope)
        );
        let series = self.kinds().into_iter().map(|kind| {
            let own = self.groups.iter().filter(|it| it.kind == kind);
            let pairs = own.flat_map(|it| it.effect.actual.iter().zip(of(&it.effect)));
            pairs
                .map(|(actual, predicted)| (*actual, *predicted))
                .collect()
        });
        let series: Vec<Vec<(f64, f64)>> = series.collect();
        // Both panels have the same axes.
        let all = self.groups.iter().map(|it| &it.effect);
        let all = all
            .flat_map(|it| [&it.influence, &it.newton, &it.actual])
            .flatten();
        let drawing = plot::kinds(name, &series, all.copied())?;
        let drawing = drawing.unwrap_or_else(|| text("p", "There is nothing to draw."));
        let drawn: usize = series.iter().map(Vec::len).sum();
        let every = plot::every(drawn);
        let thinned = (every > 1).then(|| {
            let note = format!("One in {every} of {} points is drawn.", count(drawn));
            text("figcaption", note)
        });
        let content = [text("h3", title), drawing];
        Ok(element(
            "figure",
            &[("class", "panel")],
            content.into_iter().chain(thinned),
        ))
    }
}
