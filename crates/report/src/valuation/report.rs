//! `report.html` of a valuation.

use super::{Player, ValuationRecord, ValueColumn, guide::ENTRIES, plot, table as tables};
use crate::{
    Example, Labels, Layout, OutputError,
    number::{change, count, percent, plural, short},
    page::{
        self, Html, RANDOM, classed, div, element, figure, header, keys, page, section, table, text,
    },
    report::{Report, run_facts},
};

/// Players that are shown at either end.
const SHOWN: usize = 10;

/// Everything that the report of a valuation shows.
#[derive(Clone, Debug, PartialEq)]
pub struct ValuationReport {
    /// The run's name.
    pub title: String,
    /// What `run.json` holds.
    pub record: ValuationRecord,
    /// The targets of all training examples.
    pub labels: Labels,
    /// How examples are shown.
    pub layout: Layout,
    /// The players.
    pub players: Vec<Player>,
    /// The values, a column a method, the first the one that players are shown by.
    pub columns: Vec<ValueColumn>,
    /// The examples that are shown, as far as players are examples; others go by their names alone.
    pub examples: Vec<Example>,
}

/// The players of the highest values, the highest first, and those of the lowest, the lowest first: as many as a report
/// shows.
pub fn ends(values: &[f64]) -> [Vec<usize>; 2] {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let shown = SHOWN.min(values.len());
    let lowest = order.iter().rev().take(shown).copied().collect();
    order.truncate(shown);
    [order, lowest]
}

impl ValuationReport {
    /// Name of the file in a run's folder.
    pub const FILE: &str = Report::FILE;

    /// The report as a self-contained HTML page.
    ///
    /// # Errors
    /// [`OutputError::Length`] for columns of other lengths than there are players; [`OutputError::Encode`] if a
    /// picture or drawing cannot be made.
    pub fn to_html(&self) -> Result<String, OutputError> {
        for column in &self.columns {
            OutputError::check_len("values", self.players.len(), column.values.len())?;
        }
        let mut body = vec![self.head(), run_facts(&self.record.run), self.values()?];
        body.extend(self.convergence()?);
        body.push(self.curves()?);
        body.extend(self.found()?);
        body.push(self.agreement());
        body.push(page::guide(&ENTRIES));
        Ok(page(&self.title, body))
    }

    fn head(&self) -> Html {
        let run = &self.record.run;
        let players = match self.record.grouped {
            true => format!("{} of the", plural(self.record.players, "group")),
            false => "each of the".to_owned(),
        };
        let question = format!(
            "The question: what is {players} {} training examples of {} worth to the {} of a {}, measured on {}?",
            count(run.sizes.train),
            run.settings.data,
            self.record.performance.name,
            run.settings.model,
            plural(self.record.performance.measured, "test example"),
        );
        let title = "What are the training examples worth?";
        header(&self.title, title, &question, &self.answer())
    }

    fn answer(&self) -> String {
        let mut sentences = Vec::new();
        if let (Some(column), Some(method)) = (self.columns.first(), self.record.methods.first()) {
            let harmful = column.values.iter().filter(|it| **it < 0.0).count();
            sentences.push(format!(
                "By {}, {} of {} have a negative value.",
                method.name,
                count(harmful),
                plural(self.players.len(), "player"),
            ));
            for (end, word) in ends(&column.values).iter().zip(["highest", "lowest"]) {
                if let Some(&player) = end.first() {
                    sentences.push(format!(
                        "The {word} is {}: {}.",
                        self.name(player),
                        change(column.values[player])
                    ));
                }
            }
        }
        for it in self
            .record
            .found
            .iter()
            .filter(|it| it.by != "random")
            .take(1)
        {
            sentences.push(format!(
                "Looking at a fifth of the players, the lowest by {} first, finds {} of the wrong labels.",
                it.by,
                percent(it.found_at_fifth)
            ));
        }
        sentences.join(" ")
    }

    /// What a player is called.
    fn name(&self, player: usize) -> String {
        let player = &self.players[player];
        match &player.source {
            Some(place) => format!("#{}, {place}", player.name),
            None => format!(
                "group {}, {}",
                player.name,
                plural(player.examples, "example")
            ),
        }
    }

    fn values(&self) -> Result<Html, OutputError> {
        let mut parts = Vec::new();
        let performance = &self.record.performance;
        parts.push(text(
            "p",
            format!(
                "A coalition is {}; without players it is {}.",
                performance.trained, performance.empty
            ),
        ));
        parts.push(told(&tables::methods(&self.record)));
        if let Some(column) = self.columns.first() {
            let unit = format!("value by {}, {}", column.name, self.record.performance.unit);
            let drawn = plot::histogram(&column.values, &unit)?;
            let none = Html::default();
            parts.push(figure(
                drawn,
                none,
                "How many players have about which value.",
            ));
            for (end, title) in ends(&column.values).into_iter().zip([
                "The highest values: those that help most",
                "The lowest values: those that help least, or harm",
            ]) {
                parts.push(text("h3", title));
                parts.push(self.shown(&end)?);
            }
        }
        Ok(section("The values", parts))
    }

    /// Some players with all their values.
    fn shown(&self, players: &[usize]) -> Result<Html, OutputError> {
        let mut head = vec!["player".to_owned(), "label".to_owned()];
        head.extend(self.columns.iter().map(|it| it.name.clone()));
        let rows = players.iter().map(|&player| {
            let label = self.players[player].label.map(|it| self.labels.text(it));
            let label = label.unwrap_or_default();
            let label = match self.players[player].wrong {
                0 => text("td", label),
                wrong if self.record.grouped => {
                    text("td", format!("{} wrong labels", count(wrong)))
                }
                _ => element(
                    "td",
                    &[],
                    [classed("span", "wrong", format!("{label}, made wrong"))],
                ),
            };
            let values = self.columns.iter().map(|column| {
                let errors = column.standard_errors.as_ref();
                let error = errors.map(|it| format!(" ± {}", short(it[player])));
                let value = change(column.values[player]);
                text("td", format!("{value}{}", error.unwrap_or_default()))
            });
            let cells = [text("th", self.name(player)), label];
            element("tr", &[], cells.into_iter().chain(values))
        });
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        let table = table("told", &head, rows);
        let Layout::Pictures(frame) = &self.layout else {
            return Ok(table);
        };
        let pictures = players.iter().filter_map(|&player| {
            let name = &self.players[player].name;
            let example = self
                .examples
                .iter()
                .find(|it| it.index.to_string() == *name)?;
            let caption = [
                text("b", format!("#{name}")),
                text("span", self.labels.text(example.label)),
            ];
            Some(frame.named(
                &example.features,
                &format!("training example {name}"),
                caption,
            ))
        });
        let pictures = pictures.collect::<Result<Vec<_>, _>>()?;
        Ok(match pictures.is_empty() || self.record.grouped {
            true => table,
            false => [div("pictures", pictures), table].into_iter().collect(),
        })
    }

    fn convergence(&self) -> Result<Option<Html>, OutputError> {
        let methods = self.record.methods.iter().enumerate();
        let methods: Vec<_> = methods.filter(|it| !it.1.convergence.is_empty()).collect();
        if methods.is_empty() {
            return Ok(None);
        }
        let series = methods.iter().map(|(place, it)| {
            let line = it.convergence.iter();
            let line = line.filter_map(|(made, change)| Some((*made as f64, (*change)?)));
            (plot::style(*place).0, line.collect())
        });
        let titles = ["permutations", "mean relative change"];
        let drawn = plot::ratios("Convergence", titles, series.collect())?;
        let keys = keys(
            methods
                .iter()
                .map(|(place, it)| ("―", plot::style(*place).1, it.name.as_str())),
        );
        let caption = "How much values changed over the last 100 permutations, on average and relative to themselves.";
        Ok(Some(section(
            "Have they converged?",
            [figure(drawn, keys, caption)],
        )))
    }

    fn curves(&self) -> Result<Html, OutputError> {
        let record = &self.record;
        let keys = || {
            let by = record.curves.iter().enumerate();
            let by = by.map(|(place, it)| ("―", plot::style(place).1, it.by.as_str()));
            keys(by.chain([("―", "random", "random")]))
        };
        let performance = &record.performance;
        let on = match performance.held_out {
            0 => "the same test examples that values are measured on".to_owned(),
            examples => format!(
                "{} that values were not measured on",
                plural(examples, "test example")
            ),
        };
        let mut parts = vec![told(&tables::curves(record))];
        let lead = format!(
            "The mean {} over all steps of networks trained on what is left, on {on}.",
            performance.name
        );
        parts.insert(0, text("p", lead));
        for (highest, caption) in [
            (
                true,
                "The highest values are removed first. Good values fall fast.",
            ),
            (
                false,
                "The lowest values are removed first. Good values stay up. From right to left: the highest are added first.",
            ),
        ] {
            let drawn = plot::removal(&record.curves, &record.random, highest, &performance.name)?;
            parts.push(figure(drawn, keys(), caption));
        }
        Ok(section("What removing and adding players does", parts))
    }

    fn found(&self) -> Result<Option<Html>, OutputError> {
        let record = &self.record;
        if record.found.is_empty() {
            return Ok(None);
        }
        let colour = |place: usize, by: &str| match by {
            "random" => (RANDOM, "random"),
            _ => plot::style(place),
        };
        let series = record.found.iter().enumerate().map(|(place, it)| {
            let n = it.found.len() as f64;
            let line = it.found.iter().enumerate();
            let line = line.map(|(i, found)| ((i + 1) as f64 / n, *found));
            (
                colour(place, &it.by).0,
                [(0.0, 0.0)].into_iter().chain(line).collect(),
            )
        });
        let titles = [
            "share of the players looked at, the lowest first",
            "share of the wrong labels found",
        ];
        let drawn = plot::lines("Wrong labels found", titles, series.collect())?;
        let named = record.found.iter().enumerate();
        let keys = keys(named.map(|(place, it)| ("―", colour(place, &it.by).1, it.by.as_str())));
        let caption = "Players are looked at in the order of their values, the lowest first.";
        let parts = [told(&tables::found(record)), figure(drawn, keys, caption)];
        let title = "How soon labels that were made wrong are found";
        Ok(Some(section(title, parts)))
    }

    fn agreement(&self) -> Html {
        let rows = self.record.agreement.iter().map(|it| {
            let number = |it: Option<f64>| it.map_or_else(|| "–".into(), short);
            let cells = [
                text("th", format!("{} and {}", it.a, it.b)),
                text("td", number(it.pearson)),
                text("td", number(it.spearman)),
            ];
            element("tr", &[], cells)
        });
        let table = table("told", &["values", "Pearson", "Spearman"], rows);
        section("How far the columns agree", [table])
    }
}

/// A table whose first row is its head and whose first cells are names.
fn told(rows: &[Vec<String>]) -> Html {
    let Some((head, rows)) = rows.split_first() else {
        return Html::default();
    };
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let row = |row: &Vec<String>| {
        let cells = row.iter().enumerate();
        let cells = cells.map(|(place, cell)| text(if place == 0 { "th" } else { "td" }, cell));
        element("tr", &[], cells)
    };
    table("told", &head, rows.iter().map(row))
}
