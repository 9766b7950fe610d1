//! `report.html` of each experiment, a page for a reader in one file that needs no network, and its table for the
//! terminal.

mod correlate;
mod decompose;
mod groups;
mod mislabel;
mod plot;
mod sweep;
mod validate;

use backdraft_attribution::evaluate::{Gaps, Seconds, Spread};

pub(crate) use plot::scatter;

use super::Setup;
use super::failure::Missing;
use crate::number::{count, short};
use crate::page::{
    Html, SERIES, element, figure, guide, header, keys, more, page, quality, run_section, text,
};
use crate::table::aligned;
use crate::{OutputError, Record};

/// What an experiment found: beside the file of a [`Record`] a table for the terminal and a page for a reader.
pub trait Findings: Record {
    /// The findings as a table for the terminal, and above them what is missing. Ends with a newline.
    fn to_table(&self) -> String;

    /// The report as a self-contained HTML page.
    ///
    /// # Errors
    /// [`OutputError::Encode`] if a drawing cannot be made.
    fn to_html(&self, title: &str) -> Result<String, OutputError>;
}

impl<T: Record + Shown> Findings for T {
    fn to_table(&self) -> String {
        let (rows, left) = self.rows();
        let mut text = warned(self.missing());
        text.push_str(&aligned(&rows, left));
        text.push_str(&format!("\n{}\n", self.note()));
        let more = [self.unsolved(), self.source()];
        text.extend(more.into_iter().flatten().map(|line| line + "\n"));
        text
    }

    fn to_html(&self, title: &str) -> Result<String, OutputError> {
        let question = format!("The question: {}", self.question());
        let head = header(title, &self.heading(), &question, &self.answer());
        let body = banner(self.missing()).into_iter().chain([head]);
        let setup = self.setup().map(|setup| run(setup, &self.seconds()));
        let body = body.chain(self.sections()?).chain(setup);
        Ok(page(title, body.chain([guide(Self::GUIDE)])))
    }
}

/// The parts of a table and a page that each experiment has of its own.
trait Shown {
    /// What the page's words mean.
    const GUIDE: &'static [(&'static str, &'static str)];

    /// What could not be computed, if anything.
    fn missing(&self) -> Option<Missing>;
    /// How many estimates are above the solver's tolerance, if any.
    fn unsolved(&self) -> Option<String>;
    /// Where the paper's figures are from, or what it shows of the same.
    fn source(&self) -> Option<String>;
    /// The table's rows, the first its head, and the columns that start at the left.
    fn rows(&self) -> (Vec<Vec<String>>, &'static [usize]);
    /// What the table's numbers are.
    fn note(&self) -> String;
    /// The page's title.
    fn heading(&self) -> String;
    fn question(&self) -> String;
    fn answer(&self) -> String;
    fn setup(&self) -> Option<&Setup>;
    /// Of each stage, over all removals.
    fn seconds(&self) -> Seconds;
    /// What was found, in figures and tables.
    fn sections(&self) -> Result<Vec<Html>, OutputError>;
}

/// The signs and classes of the series of a drawing, in order.
const SIGNS: [&str; 5] = ["●", "▲", "■", "✕", "○"];

/// What each gap is, in the order of [`Gaps`].
const MEANINGS: [&str; 5] = [
    "Retraining from the initial weights, against retraining from the trained ones.",
    "Adding the proximal term, which keeps the weights near the trained ones.",
    "Asking to keep the trained outputs (PBRF) rather than to fit the targets: what longer training would change by itself.",
    "Replacing the network by its linearisation at the trained weights, and the loss by its quadratic.",
    "What is left between the exact solution of the linear system and the solver's.",
];

const DISTANCE: (&str, &str) = (
    "Distance",
    "The size of a gap is the L2 distance between the outputs of two networks on one training example, its mean over the \
     training set, in the units of the outputs.",
);

const PBRF: (&str, &str) = (
    "PBRF",
    "The proximal Bregman response function: the trained network trained on so as to lose the removed examples, while its \
     outputs and weights stay near where they are. Influence functions of a neural network approximate it, rather than \
     retraining (Bae et al., 2022).",
);

const PAPER: (&str, &str) = (
    "The paper's figures",
    "Bae et al. (2022), with networks and data of their own: their rounding is kept, and 0.000 means less than 0.0005.",
);

/// What is missing, at the top of the page; all of it, where it is more than one thing, to be unfolded.
fn banner(missing: Option<Missing>) -> Vec<Html> {
    let Some(Missing { summary, all }) = missing else {
        return Vec::new();
    };
    let banner = element(
        "p",
        &[("class", "banner"), ("role", "alert")],
        [summary.into()],
    );
    let list = (all.len() > 1).then(|| {
        let each = all.iter().map(|it| text("li", it.as_str()));
        more(
            &format!("All {} failures", count(all.len())),
            element("ul", &[], each),
        )
    });
    [banner].into_iter().chain(list).collect()
}

/// What is missing, each of it a line after the first.
fn warned(missing: Option<Missing>) -> String {
    let Some(Missing { summary, all }) = missing else {
        return String::new();
    };
    let others: String = all.iter().skip(1).map(|it| format!("  {it}\n")).collect();
    match others.as_str() {
        "" => format!("{summary}\n\n"),
        others => format!("{summary} The others:\n{others}\n"),
    }
}

/// Rows of a table below their head.
fn headed<'a>(
    head: impl IntoIterator<Item = &'a str>,
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Vec<Vec<String>> {
    let head = head.into_iter().map(String::from).collect();
    [head].into_iter().chain(rows).collect()
}

/// A remark on what was found, if there is any.
fn remark(remark: Option<String>) -> Option<Html> {
    remark.map(|remark| text("p", format!("{remark}.")))
}

/// What was asked, in a few facts and all its settings.
fn run(setup: &Setup, seconds: &Seconds) -> Html {
    let main = [
        ("Model", setup.model.clone()),
        ("Parameters", count(setup.sizes.parameters)),
        ("Data", setup.data.clone()),
        ("Train", quality(setup.sizes.train, &setup.metrics.train)),
        ("Test", quality(setup.sizes.test, &setup.metrics.test)),
        ("Losses", setup.unit.told()),
        ("Outputs and gaps", format!("in {}", setup.unit.output)),
        ("Preset", setup.preset.clone()),
        ("Epochs", count(setup.epochs)),
        ("Matrix", setup.matrix.clone()),
        ("Solver", setup.solver.clone()),
        ("Damping", short(setup.damping)),
        ("Device", setup.device.clone()),
        ("Seed", setup.seed.to_string()),
    ];
    let stages = seconds.iter().map(|(stage, seconds)| (stage, *seconds));
    run_section(main, &setup.details, stages, &setup.versions, None)
}

/// The wall-clock seconds of each stage, over all removals.
fn total<'a>(each: impl Iterator<Item = &'a Seconds>) -> Seconds {
    let mut total = Seconds::new();
    for (stage, seconds) in each.flatten() {
        *total.entry(stage.clone()).or_insert(0.0) += seconds;
    }
    total
}

/// The keys of the gaps, each with the sign and class of its series.
fn gap_keys() -> Html {
    let names = Gaps::<Spread>::NAMES.map(|name| name.title);
    let series = SIGNS.into_iter().zip(SERIES).zip(names);
    keys(series.map(|((sign, (_, class)), name)| (sign, class, name)))
}

/// A mean and how far the removals scatter about it.
fn spread(spread: Spread) -> String {
    format!("{} ± {}", short(spread.mean), short(spread.std))
}

/// A row of a table whose first cell is its name.
fn cells(row: &[String]) -> Html {
    let cells = row.iter().enumerate();
    let cells = cells.map(|(column, cell)| text(if column == 0 { "th" } else { "td" }, cell));
    element("tr", &[], cells)
}

/// A row of a table: a name, and text.
fn row(name: &str, cells: impl IntoIterator<Item = String>) -> Html {
    let cells = cells.into_iter().map(|cell| text("td", cell));
    element("tr", &[], [text("th", name)].into_iter().chain(cells))
}
