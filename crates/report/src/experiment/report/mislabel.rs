//! The report of a search for wrong labels.

use std::collections::{BTreeMap, HashSet};

use super::{PBRF, banner, figure, keys, of, plot, remark, row, run};
use crate::OutputError;
use crate::experiment::{Mislabel, Name, Ranking, paper};
use crate::number::{count, percent, short};
use crate::page::{
    Html, RANDOM, SERIES, classed, element, guide, header, page, section, table, text,
};

/// How many suspects are shown.
const SUSPECTS: usize = 20;

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

impl Mislabel {
    /// The report as a self-contained HTML page.
    ///
    /// # Errors
    /// [`OutputError::Encode`] if a drawing cannot be made.
    pub fn to_html(&self, title: &str) -> Result<String, OutputError> {
        let setup = &self.setup;
        let question = format!(
            "The question: of the {} training examples of {}, the labels of {} were made wrong. How soon does one find them by \
             inspecting first those that the {} finds most suspect?",
            count(setup.sizes.train),
            setup.data,
            count(self.wrong.len()),
            setup.model,
        );
        let found = |(name, ranking): (Name, &Ranking)| {
            format!("{} {}", name.title, percent(ranking.found_at_fifth))
        };
        let found: Vec<String> = self.ordered().into_iter().map(found).collect();
        let answer = format!(
            "Of {}, inspecting a fifth of the examples finds: {}.",
            of(self.wrong.len(), "wrong label"),
            found.join(", "),
        );
        let head = header(
            title,
            "Does influence find wrong labels?",
            &question,
            &answer,
        );
        let body = [
            head,
            self.curves()?,
            self.suspects(),
            run(setup, &BTreeMap::new()),
            guide(&GUIDE),
        ];
        Ok(page(title, banner(self.missing()).into_iter().chain(body)))
    }

    fn curves(&self) -> Result<Html, OutputError> {
        // The random order is what the others are held against.
        let style = |name: Name| match Self::RANKINGS.iter().position(|it| *it == name) {
            Some(place @ 0..3) => SERIES[place],
            _ => (RANDOM, "random"),
        };
        let rankings = self.ordered();
        let curves: Vec<_> = rankings
            .iter()
            .map(|(name, ranking)| (style(*name).0, ranking.found.as_slice()))
            .collect();
        let keys = keys(
            rankings
                .iter()
                .map(|(name, _)| ("―", style(*name).1, name.title)),
        );
        let head = ["inspected by", "10 %", "20 %", "30 %", "area"];
        let rows = rankings.iter().map(|(name, ranking)| {
            let shares = [0.1, 0.2, 0.3].map(|share| percent(ranking.found_after(share)));
            row(name.title, shares.into_iter().chain([short(ranking.area)]))
        });
        let caption = "Share of the wrong labels found, against the share of the training examples inspected.";
        let content = [
            figure(plot::curves(&curves)?, keys, caption),
            table("told", &head, rows),
        ];
        let last = [
            remark(Some(paper::MISLABEL.into())),
            remark(self.unsolved()),
        ];
        Ok(section(
            "What inspection finds",
            content.into_iter().chain(last.into_iter().flatten()),
        ))
    }

    fn suspects(&self) -> Html {
        let wrong: HashSet<usize> = self.wrong.iter().copied().collect();
        let rankings = self.ordered();
        let rankings = rankings.iter().filter(|(name, _)| name.key != "random");
        let head: Vec<&str> = ["place"]
            .into_iter()
            .chain(rankings.clone().map(|(name, _)| name.title))
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
