//! The report of a decomposition.

use super::{DISTANCE, MEANINGS, PAPER, PBRF};
use super::{banner, figure, keys, of, plot, remark, row, run, spread, total};
use crate::OutputError;
use crate::experiment::failure::indices;
use crate::experiment::{Decomposition, Gaps, PointGaps, Spread};
use crate::number::{count, short};
use crate::page::{Html, guide, header, more, page, section, table, text};

const GUIDE: [(&str, &str); 4] = [
    (
        "What is decomposed",
        "The way from retraining without some examples to an influence estimate, in five steps. The first three change the \
         question: without them, influence is not an answer to retraining. The last two are errors of the answer.",
    ),
    DISTANCE,
    PBRF,
    PAPER,
];

impl Decomposition {
    /// The report as a self-contained HTML page.
    ///
    /// # Errors
    /// [`OutputError::Encode`] if a drawing cannot be made.
    pub fn to_html(&self, title: &str) -> Result<String, OutputError> {
        let setup = &self.setup;
        let question = format!(
            "The question: if examples are removed from the {} training examples of {}, at which step do the {} retrained \
             without them and the influence estimate part?",
            count(setup.sizes.train),
            setup.data,
            setup.model,
        );
        let head = header(
            title,
            "Where do influence and retraining part ways?",
            &question,
            &self.answer(),
        );
        let body = [
            head,
            self.gaps()?,
            run(setup, &total(self.points.iter().map(|it| &it.seconds))),
            guide(&GUIDE),
        ];
        Ok(page(title, banner(self.missing()).into_iter().chain(body)))
    }

    fn answer(&self) -> String {
        if self.points.is_empty() {
            return "No removal was followed to its end.".into();
        }
        let [warm, proximity, non_convergence, linearization, solver] =
            self.gaps.map(|gap| gap.mean).into_array();
        format!(
            "The steps that change the question, warm start, proximity and non-convergence, come to {}; the errors of the \
             answer, linearization and solver, to {}, on average over {}.",
            short(warm + proximity + non_convergence),
            short(linearization + solver),
            of(self.points.len(), "removal"),
        )
    }

    fn gaps(&self) -> Result<Html, OutputError> {
        let mut series = vec![("■", "first", "this run")];
        let mut caption = "Means over the removals, with their standard deviations.".to_string();
        let mut head = vec!["gap", "this run"];
        if let Some(source) = self.source() {
            series.push(("■", "random", "the paper"));
            head.push("paper");
            caption.push_str(&format!(" The {source}."));
        }
        head.push("what it is");
        let drawing = plot::bars(&self.gaps, self.paper.as_ref())?;
        let gap = |gap: usize| {
            let found = self.gaps.into_array()[gap];
            let paper = self.paper.map(|paper| paper.into_array()[gap]);
            let mut cells = vec![spread(found)];
            cells.extend(paper.map(|Spread { mean, std }| {
                let [mean, std] = [mean, std].map(|x| self.setup.unit.digits(x));
                format!("{mean} ± {std}")
            }));
            cells.push(MEANINGS[gap].into());
            row(Gaps::<Spread>::NAMES[gap].title, cells)
        };
        let content = [
            text("p", DISTANCE.1),
            figure(drawing, keys(series), &caption),
            table("told meant", &head, (0..MEANINGS.len()).map(gap)),
        ];
        let last = remark(self.unsolved()).into_iter().chain([self.removals()]);
        Ok(section("The gaps", content.into_iter().chain(last)))
    }

    fn removals(&self) -> Html {
        let mut head = vec!["removed"];
        head.extend(Gaps::<Spread>::NAMES.map(|name| name.title));
        head.extend(["residual", "seconds"]);
        let removal = |point: &PointGaps| {
            let gaps = point.gaps.into_array().map(short);
            let seconds = short(point.seconds.values().sum());
            let last = [short(point.residual), seconds];
            let removed = indices(&point.removed, &self.setup.train);
            row(&removed, gaps.into_iter().chain(last))
        };
        let title = format!("All {}", of(self.points.len(), "removal"));
        more(
            &title,
            table("pairs", &head, self.points.iter().map(removal)),
        )
    }
}
