//! The report of a sweep.

use super::{DISTANCE, PBRF};
use super::{banner, figure, gap_keys, of, plot, remark, row, run, spread, total};
use crate::OutputError;
use crate::experiment::{Gaps, Spread, Sweep, SweepPoint};
use crate::number::{count, short};
use crate::page::{Html, guide, header, page, section, table, text};

const GUIDE: [(&str, &str); 4] = [
    (
        "The gaps",
        "The way from retraining to an influence estimate in five steps: warm start, retraining from the trained weights; \
         proximity, staying near them; non-convergence, keeping the trained outputs instead of fitting the targets; \
         linearization, of the network; solver, what it left over.",
    ),
    DISTANCE,
    PBRF,
    (
        "What to expect",
        "Figure 5 of Bae et al. (2022) has the same sweeps with an MLP on a tenth of MNIST. Wider networks are closer to \
         linear, longer training shrinks the non-convergence gap, and damping trades solver and linearization errors \
         for the proximity gap.",
    ),
];

impl Sweep {
    /// The report as a self-contained HTML page.
    ///
    /// # Errors
    /// [`OutputError::Encode`] if a drawing cannot be made.
    pub fn to_html(&self, title: &str) -> Result<String, OutputError> {
        let over = self.over();
        let question = format!(
            "The question: how do the five gaps between retraining and an influence estimate change with {over}?"
        );
        let decompositions = || {
            self.points
                .iter()
                .filter_map(|it| it.decomposition.as_ref())
        };
        let answer = format!(
            "{} of {} were followed to their end.",
            decompositions().count(),
            of(self.points.len(), "value"),
        );
        let head = header(
            title,
            &format!("How do the gaps depend on {over}?"),
            &question,
            &answer,
        );
        let seconds = total(decompositions().flat_map(|it| it.points.iter().map(|it| &it.seconds)));
        // The settings that the sweep does not vary are the first's as much as any other's.
        let setup = decompositions().next().map(|it| run(&it.setup, &seconds));
        let body = banner(self.missing())
            .into_iter()
            .chain([head, self.gaps(&over)?])
            .chain(setup)
            .chain([guide(&GUIDE)]);
        Ok(page(title, body))
    }

    /// What is varied, in words.
    fn over(&self) -> String {
        self.over.replace('-', " ")
    }

    fn gaps(&self, over: &str) -> Result<Html, OutputError> {
        let found = |point: &SweepPoint| Some((point.value, point.decomposition.as_ref()?.gaps));
        let found: Vec<(f64, Gaps<Spread>)> = self.points.iter().filter_map(found).collect();
        let caption = "Means over the removals. Where an axis goes by powers of ten, a zero has no place on it.";
        let mut head = vec![over];
        head.extend(Gaps::<Spread>::NAMES.map(|name| name.title));
        head.push("removals");
        let value = |point: &SweepPoint| {
            let cells = match &point.decomposition {
                Some(it) => {
                    let [a, b, c, d, e] = it.gaps.into_array().map(spread);
                    [a, b, c, d, e, count(it.points.len())]
                }
                None => ["–", "–", "–", "–", "–", "failed"].map(String::from),
            };
            row(&short(point.value), cells)
        };
        let failed = self.points.iter().filter_map(|point| {
            let reason = point.failure.as_ref()?;
            Some(text(
                "p",
                format!("{over} {}: {reason}", short(point.value)),
            ))
        });
        let content = [
            text("p", DISTANCE.1),
            figure(plot::sweep(over, &found)?, gap_keys(), caption),
            table("told", &head, self.points.iter().map(value)),
        ];
        let last = [remark(self.source()), remark(self.unsolved())];
        Ok(section(
            "The gaps",
            content
                .into_iter()
                .chain(failed)
                .chain(last.into_iter().flatten()),
        ))
    }
}
