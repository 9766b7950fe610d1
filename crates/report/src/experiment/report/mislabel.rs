//! The report of a search for wrong labels.

use backdraft_attribution::evaluate::{RankBy, Ranking};

use std::collections::HashSet;

use super::{PBRF, Seconds, Shown, cells, figure, headed, keys, plot, remark};
use crate::experiment::failure::{Missing, told};
use crate::experiment::{MislabelRecord, Setup, paper};
use crate::number::{count, percent, plural, short};
use crate::page::{Html, RANDOM, SERIES, classed, element, section, table, text};
use crate::{OutputError, Record};

/// How many suspects are shown.
const SUSPECTS: usize = 20;

const HEAD: [&str; 5] = ["inspected by", "10 %", "20 %", "30 %", "area"];

const GUIDE: [(&str, &str); 4] = [
    (
        "How suspects are found",
        "Self-influence is the influence of a training example on its own loss, loss(without) - loss(with): how much worse the \
         network would be on the example if it had not seen it. A wrong label is hard to guess from the other examples, so \
         its self-influence is large. The PBRF's is the change that the response function finds; the loss is the plain \
         training loss of the example.",
    ),
    (
        "The curves",
        "Examples are inspected in order, the most suspect first: across, the share inspected; up, the share of all wrong labels \
         among them. A random order lies near the diagonal.",
    ),
    (
        "Area",
        "The area under a curve: 0.5 by chance, close to 1 if the wrong labels come first. Examples without a score are \
         inspected last.",
    ),
    PBRF,
];

impl Record for MislabelRecord {
    const FILE: &'static str = "mislabel.json";
}

impl Shown for MislabelRecord {
    const GUIDE: &'static [(&'static str, &'static str)] = &GUIDE;

    fn missing(&self) -> Option<Missing> {
        let first = self.failed.first()?;
        Some(Missing {
            summary: format!(
                "{} of {} examples failed and are ranked last. The first: {}",
                count(self.failed.len()),
                count(self.setup.sizes.train),
                told(first, &self.setup.train)
            ),
            all: self
                .failed
                .iter()
                .map(|it| told(it, &self.setup.train))
                .collect(),
        })
    }

    fn unsolved(&self) -> Option<String> {
        (self.unsolved > 0).then(|| {
            format!(
                "{} of {} influence estimates have a residual above the solver's tolerance",
                count(self.unsolved),
                count(self.setup.sizes.train - self.failed.len())
            )
        })
    }
    fn source(&self) -> Option<String> {
        Some(paper::MISLABEL.into())
    }

    /// Shares of the wrong labels found, a row a ranking.
    fn rows(&self) -> (Vec<Vec<String>>, &'static [usize]) {
        let rows = self.rankings.iter().map(|(by, ranking)| {
            let [a, b, c] = [0.1, 0.2, 0.3].map(|share| percent(ranking.found_after(share)));
            vec![by.title().to_string(), a, b, c, short(ranking.area)]
        });
        (headed(HEAD, rows), &[0])
    }

    fn note(&self) -> String {
        format!(
            "share of the {} wrong labels found by inspecting that share of {} examples, the most suspect first;\n\
             area under the curve of share found against share inspected, 0.5 by chance",
            count(self.wrong.len()),
            count(self.setup.sizes.train),
        )
    }

    fn heading(&self) -> String {
        "Does influence find wrong labels?".into()
    }

    fn question(&self) -> String {
        format!(
            "of the {} training examples of {}, the labels of {} were made wrong. How soon does one find them by inspecting \
             first those that the {} finds most suspect?",
            count(self.setup.sizes.train),
            self.setup.data,
            count(self.wrong.len()),
            self.setup.model,
        )
    }

    fn answer(&self) -> String {
        let found = |(by, ranking): (&RankBy, &Ranking)| {
            format!("{} {}", by.title(), percent(ranking.found_at_fifth))
        };
        let found: Vec<String> = self.rankings.iter().map(found).collect();
        format!(
            "Of {}, inspecting a fifth of the examples finds: {}.",
            plural(self.wrong.len(), "wrong label"),
            found.join(", "),
        )
    }

    fn setup(&self) -> Option<&Setup> {
        Some(&self.setup)
    }

    fn seconds(&self) -> Seconds {
        Seconds::new()
    }

    fn sections(&self) -> Result<Vec<Html>, OutputError> {
        Ok(vec![self.curves()?, self.suspects()])
    }
}

impl MislabelRecord {
    fn curves(&self) -> Result<Html, OutputError> {
        // The random order is what the others are held against.
        let style = |by: RankBy| match by {
            RankBy::Influence => SERIES[0],
            RankBy::Pbrf => SERIES[1],
            RankBy::Loss => SERIES[2],
            RankBy::Random => (RANDOM, "random"),
        };
        let curves: Vec<_> = self
            .rankings
            .iter()
            .map(|(by, ranking)| (style(*by).0, ranking.found.as_slice()))
            .collect();
        let rankings = self.rankings.keys();
        let keys = keys(rankings.map(|by| ("―", style(*by).1, by.title())));
        let caption = "Share of the wrong labels found, against the share of the training examples inspected.";
        let content = [
            figure(plot::curves(&curves)?, keys, caption),
            table(
                "told",
                &HEAD,
                self.rows().0.iter().skip(1).map(|row| cells(row)),
            ),
        ];
        let last = [remark(self.source()), remark(self.unsolved())];
        Ok(section(
            "What inspection finds",
            content.into_iter().chain(last.into_iter().flatten()),
        ))
    }

    fn suspects(&self) -> Html {
        let wrong: HashSet<usize> = self.wrong.iter().copied().collect();
        let rankings = self.rankings.iter();
        let rankings = rankings.filter(|(by, _)| **by != RankBy::Random);
        let head: Vec<&str> = ["place"]
            .into_iter()
            .chain(rankings.clone().map(|(by, _)| by.title()))
            .collect();
        let suspect = |example: Option<&usize>| {
            let Some(example) = example else {
                return text("td", "");
            };
            let place = self.setup.train.get(example);
            let place = place.map_or_else(String::new, |it| format!(", {it}"));
            let marked = match wrong.contains(example) {
                true => classed("span", "wrong", format!("#{example} wrong{place}")),
                false => format!("#{example} right{place}").into(),
            };
            element("td", &[], [marked])
        };
        let longest = rankings.clone().map(|(_, it)| it.order.len()).max();
        let rows = (0..longest.unwrap_or(0).min(SUSPECTS)).map(|place| {
            let cells = rankings.clone().map(|(_, it)| suspect(it.order.get(place)));
            let place = text("th", (place + 1).to_string());
            element("tr", &[], [place].into_iter().chain(cells))
        });
        let lead = "The first suspects by their indices, whether their labels were made wrong, and where they stand.";
        section(
            "The first suspects",
            [text("p", lead), table("told", &head, rows)],
        )
    }
}
