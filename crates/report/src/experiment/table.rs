//! The experiments as tables for the terminal.

use super::failure::Missing;
use super::{Correlations, Decomposition, Gaps, Mislabel, Printed, Spread, Sweep, paper};
use crate::number::{count, percent, short, short_or_dash};
use crate::table::aligned;

impl Decomposition {
    /// The gaps beside the paper's, in the units of the outputs, and above them what is missing. Ends with a newline.
    pub fn to_table(&self) -> String {
        let mut head = cells(["gap", "mean", "± std"]);
        if self.paper.is_some() {
            head.extend(cells(["paper", "± std"]));
        }
        let row = |gap: usize| {
            let Spread { mean, std } = self.gaps.into_array()[gap];
            let title = Gaps::<Spread>::NAMES[gap].title.to_string();
            let mut row = vec![title, short(mean), format!("± {}", short(std))];
            let paper = self.paper.map(|paper| paper.into_array()[gap]);
            row.extend(paper.into_iter().flat_map(|Spread { mean, std }| {
                let [mean, std] = [mean, std].map(|x| self.setup.unit.digits(x));
                [mean, format!("± {std}")]
            }));
            row
        };
        let rows: Vec<_> = [head].into_iter().chain((0..5).map(row)).collect();
        let mut text = warned(self.missing());
        text.push_str(&aligned(&rows, &[0, 2, 4]));
        text.push_str(&format!(
            "\nmean over the training set of the L2 distance between outputs, in {}, over {}\n",
            self.setup.unit.output,
            removals(self.points.len())
        ));
        text.extend(self.unsolved().map(line));
        text.extend(self.source().map(line));
        text
    }

    /// Where the paper's figures are from.
    pub(super) fn source(&self) -> Option<String> {
        let subject = paper::subject(&self.setup.model, &self.setup.data)?;
        let table = self.paper_table?;
        let unit = &self.setup.unit;
        let times = match unit.is_plain() {
            true => String::new(),
            false => format!(", times {}", short(unit.output_factor)),
        };
        Some(format!("paper: Table {table}, {subject}{times}"))
    }
}

impl Correlations {
    /// The correlations of influence with each response that was asked for, beside the paper's, and above them what is
    /// missing. Ends with a newline.
    pub fn to_table(&self) -> String {
        let asked = self.asked();
        let compared = asked.iter().any(|(.., paper)| paper.is_some());
        let mut head = cells(["response", "Pearson", "Spearman", "P within", "S within"]);
        if compared {
            head.extend(cells(["paper P", "paper S", "from"]));
        }
        let rows = asked.iter().map(|(name, found, paper)| {
            let mut row = vec![name.title.to_string()];
            let (pooled, within) = (
                [found.pearson, found.spearman],
                [found.pearson_within, found.spearman_within],
            );
            row.extend(pooled.into_iter().chain(within).map(short_or_dash));
            row.extend(paper.iter().flat_map(printed));
            row
        });
        let rows: Vec<_> = [head].into_iter().chain(rows).collect();
        let mut text = warned(self.missing());
        text.push_str(&aligned(&rows, &[0, 7]));
        text.push_str(&format!(
            "\npredicted against actual changes of loss, loss(without) - loss(with), in {}, over {} and {} test examples;\n\
             within: over the removals for each test example by itself, on average\n",
            self.setup.unit.loss,
            removals(self.points.len()),
            count(self.tests.len()),
        ));
        text.extend(self.unsolved().map(line));
        if let (true, Some(subject)) = (
            compared,
            paper::subject(&self.setup.model, &self.setup.data),
        ) {
            text.push_str(&format!("paper: {subject}\n"));
        }
        text
    }
}

impl Sweep {
    /// The mean gaps, a row a value, and above them what is missing. Ends with a newline.
    pub fn to_table(&self) -> String {
        let mut head = vec![self.over.clone()];
        head.extend(Gaps::<Spread>::NAMES.map(|name| name.title.to_string()));
        head.push("removals".into());
        let rows = self.points.iter().map(|point| {
            let mut row = vec![short(point.value)];
            match &point.decomposition {
                Some(it) => {
                    row.extend(it.gaps.into_array().map(|gap| short(gap.mean)));
                    row.push(count(it.points.len()));
                }
                None => {
                    row.extend(cells(["–"; 5]));
                    row.push("failed".into());
                }
            }
            row
        });
        let rows: Vec<_> = [head].into_iter().chain(rows).collect();
        let mut text = warned(self.missing());
        text.push_str(&aligned(&rows, &[]));
        text.push_str(
            "\nmean over the training set of the L2 distance between outputs, mean over the removals\n",
        );
        text.extend(self.unsolved().map(line));
        text.extend(self.source().map(line));
        text
    }
}

impl Mislabel {
    /// Shares of the wrong labels found, a row a ranking, and above them what is missing. Ends with a newline.
    pub fn to_table(&self) -> String {
        let head = cells(["inspected by", "10 %", "20 %", "30 %", "area"]);
        let rows = self.ordered().into_iter().map(|(name, ranking)| {
            let [a, b, c] = [0.1, 0.2, 0.3].map(|share| percent(ranking.found_after(share)));
            vec![name.title.to_string(), a, b, c, short(ranking.area)]
        });
        let rows: Vec<_> = [head].into_iter().chain(rows).collect();
        let mut text = warned(self.missing());
        text.push_str(&aligned(&rows, &[0]));
        text.push_str(&format!(
            "\nshare of the {} wrong labels found by inspecting that share of {} examples, the most suspect first;\n\
             area under the curve of share found against share inspected, 0.5 by chance\n",
            count(self.wrong.len()),
            count(self.setup.sizes.train),
        ));
        text.extend(self.unsolved().map(line));
        text.push_str(&format!("{}\n", paper::MISLABEL));
        text
    }
}

impl Sweep {
    /// What the paper shows of the same.
    pub(super) fn source(&self) -> Option<String> {
        let shown = paper::sweep(&self.over)?;
        Some(format!("paper: Figure 5, MLP on a tenth of MNIST: {shown}"))
    }
}

/// The paper's correlations as it prints them, and their table.
pub(super) fn printed(paper: &Printed) -> [String; 3] {
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

fn cells<const N: usize>(titles: [&str; N]) -> Vec<String> {
    titles.map(String::from).into()
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

fn line(text: String) -> String {
    format!("{text}\n")
}

fn removals(n: usize) -> String {
    match n {
        1 => "1 removal".into(),
        _ => format!("{} removals", count(n)),
    }
}
