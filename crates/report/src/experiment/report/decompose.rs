//! The report of a decomposition.

use backdraft_attribution::evaluate::{Gaps, RemovalGaps, Spread};

use super::{DISTANCE, MEANINGS, PAPER, PBRF};
use super::{Seconds, Shown, figure, headed, keys, plot, remark, row, spread, total};
use crate::experiment::failure::{Missing, indices, removals, unsolved};
use crate::experiment::{DecompositionRecord, Setup, paper};
use crate::number::{count, plural, short};
use crate::page::{Html, more, section, table, text};
use crate::{OutputError, Record};

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

impl Record for DecompositionRecord {
    const FILE: &'static str = "decompose.json";
}

impl Shown for DecompositionRecord {
    const GUIDE: &'static [(&'static str, &'static str)] = &GUIDE;

    fn missing(&self) -> Option<Missing> {
        removals(&self.failed, self.points.len(), &self.setup.train)
    }

    fn unsolved(&self) -> Option<String> {
        unsolved(self.points.iter().map(|it| (it.solved, it.residual)))
    }
    fn source(&self) -> Option<String> {
        let subject = paper::subject(&self.setup.model, &self.setup.data)?;
        let table = self.paper_table?;
        let unit = &self.setup.unit;
        let times = match unit.is_plain() {
            true => String::new(),
            false => format!(", times {}", short(unit.output_factor)),
        };
        Some(format!("paper: Table {table}, {subject}{times}"))
    }

    /// The gaps beside the paper's, in the units of the outputs.
    fn rows(&self) -> (Vec<Vec<String>>, &'static [usize]) {
        let mut head = vec!["gap", "mean", "± std"];
        if self.paper.is_some() {
            head.extend(["paper", "± std"]);
        }
        let row = |gap: usize| {
            let Spread { mean, std } = self.gaps.into_array()[gap];
            let title = Gaps::<Spread>::NAMES[gap].title.to_string();
            let own = [title, short(mean), format!("± {}", short(std))];
            let paper = self.printed(gap).into_iter();
            let paper = paper.flat_map(|[mean, std]| [mean, format!("± {std}")]);
            own.into_iter().chain(paper).collect()
        };
        let rows = (0..MEANINGS.len()).map(row);
        (headed(head, rows), &[0, 2, 4])
    }

    fn note(&self) -> String {
        format!(
            "mean over the training set of the L2 distance between outputs, in {}, over {}",
            self.setup.unit.output,
            plural(self.points.len(), "removal")
        )
    }

    fn heading(&self) -> String {
        "Where do influence and retraining part ways?".into()
    }

    fn question(&self) -> String {
        format!(
            "if examples are removed from the {} training examples of {}, at which step do the {} retrained without them \
             and the influence estimate part?",
            count(self.setup.sizes.train),
            self.setup.data,
            self.setup.model,
        )
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
            plural(self.points.len(), "removal"),
        )
    }

    fn setup(&self) -> Option<&Setup> {
        Some(&self.setup)
    }

    fn seconds(&self) -> Seconds {
        total(self.points.iter().map(|it| &it.seconds))
    }

    fn sections(&self) -> Result<Vec<Html>, OutputError> {
        Ok(vec![self.gaps()?])
    }
}

impl DecompositionRecord {
    /// The paper's mean and deviation of a gap as text, if it has them.
    fn printed(&self, gap: usize) -> Option<[String; 2]> {
        let Spread { mean, std } = self.paper?.into_array()[gap];
        Some([mean, std].map(|x| self.setup.unit.digits(x)))
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
            let mut cells = vec![spread(found)];
            let paper = self.printed(gap);
            cells.extend(paper.map(|[mean, std]| format!("{mean} ± {std}")));
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
        let removal = |point: &RemovalGaps| {
            let gaps = point.gaps.into_array().map(short);
            let seconds = short(point.seconds.values().sum());
            let last = [short(point.residual), seconds];
            let removed = indices(&point.removed, &self.setup.train);
            row(&removed, gaps.into_iter().chain(last))
        };
        let title = format!("All {}", plural(self.points.len(), "removal"));
        more(
            &title,
            table("pairs", &head, self.points.iter().map(removal)),
        )
    }
}
