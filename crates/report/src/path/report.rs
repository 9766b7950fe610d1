//! `report.html` of a run that follows response paths.

use super::{
    FollowedPathRecord, PathsRecord,
    guide::ENTRIES,
    plot::{self, LINES},
    record::ended,
    table::{HEAD, QUERY_HEAD, cells, notes, query_cells},
};
use crate::{
    Labels, OutputError,
    number::{brief, count, plural, short},
    page::{self, Html, classed, element, figure, header, keys, page, section, table, text},
    report::{Report, run_facts},
};

/// Everything that the report of response paths shows.
#[derive(Clone, Debug, PartialEq)]
pub struct PathsReport {
    /// The run's name.
    pub title: String,
    /// What `run.json` holds.
    pub record: PathsRecord,
    /// The targets of all training examples.
    pub labels: Labels,
}

impl PathsReport {
    /// Name of the file in a run's folder.
    pub const FILE: &str = Report::FILE;

    /// The report as a self-contained HTML page: drawings and style are inside it, and it forbids the browser to load
    /// anything else.
    ///
    /// # Errors
    /// [`OutputError::Length`] if a point has not as many losses as there are queries; [`OutputError::Encode`] if a
    /// drawing cannot be made.
    pub fn to_html(&self) -> Result<String, OutputError> {
        let record = &self.record;
        for path in &record.paths {
            for point in &path.points {
                let queries = path.queries.len();
                OutputError::check_len("losses of a point", queries, point.losses.len())?;
                OutputError::check_len("slopes of a point", queries, point.slopes.len())?;
            }
        }
        let articles = record.paths.iter().map(|path| self.article(path));
        let articles = articles.collect::<Result<Vec<_>, _>>()?;
        let body = [
            self.head(),
            run_facts(&record.run),
            section("The objective", [text("p", self.objective())]),
            section("The paths beside each other", [self.summary()]),
            section("Each path", articles),
            page::guide(&ENTRIES),
        ];
        Ok(page(&self.title, body))
    }

    fn head(&self) -> Html {
        let run = &self.record.run;
        let question = format!(
            "The question: where do the parameters of the {} on {} go as the weight of training examples goes from 1 to 0, and \
             what do the tangents at either end, and one Newton step, say of that?",
            run.settings.model, run.settings.data,
        );
        let title = "The way from with to without";
        header(&self.title, title, &question, &self.answer())
    }

    fn answer(&self) -> String {
        let paths = &self.record.paths;
        let whole = paths.iter().filter(|it| it.ended.is_whole()).count();
        let mut sentences = vec![format!(
            "{} of {} were followed to eps = 0.",
            count(whole),
            plural(paths.len(), "path")
        )];
        if let [path] = paths.as_slice() {
            let landings = &path.landings;
            sentences.push(format!(
                "The chord is {} of the path's length. Influence at 1 lands {} of the way's length from the end, influence at \
                 the end {}, the Newton estimate {}.",
                short(path.straightness.ratio),
                short(landings.influence_at_one.relative),
                short(landings.influence_at_end.relative),
                landings
                    .newton
                    .map_or_else(|| "is not there".into(), |it| short(it.relative)),
            ));
        }
        sentences.join(" ")
    }

    fn objective(&self) -> String {
        let objective = &self.record.objective;
        format!(
            "{}: {}. The L2 term is {}, the proximal term {}. Curvature is the exact Hessian of this objective, with both in it.",
            objective.kind,
            objective.reason,
            brief(objective.l2),
            brief(objective.proximal)
        )
    }

    fn summary(&self) -> Html {
        let rows = self.record.paths.iter().map(|path| row(&cells(path)));
        table("told", &HEAD, rows)
    }

    fn article(&self, path: &FollowedPathRecord) -> Result<Html, OutputError> {
        let mut parts = vec![text("h3", &path.name), text("p", self.about(path))];
        parts.extend(
            notes(path)
                .into_iter()
                .map(|note| classed("p", "note", note)),
        );
        let caption = format!(
            "The path in the plane of its chord, each axis in its own scale; {} of what is at right angles to the chord lies in \
             it. Thin: from the first point to where each line lands.",
            crate::number::percent(path.projection.share)
        );
        parts.push(figure(plot::plane(path)?, keys(LINES), &caption));
        for (place, query) in path.queries.iter().enumerate() {
            let caption = format!(
                "The loss of {} along the path (dark), less that at eps = 1, and what the straight lines say.",
                self.query(query.query)
            );
            parts.push(figure(plot::query(path, place)?, keys(LINES), &caption));
        }
        let rows = (0..path.queries.len()).map(|place| row(&query_cells(path, place)));
        parts.push(text("h4", "Change of the query's loss, by"));
        parts.push(table("told", &QUERY_HEAD, rows));
        Ok(element("article", &[("class", "query")], parts))
    }

    /// A test example in words.
    fn query(&self, index: usize) -> String {
        match self.record.examples.iter().find(|it| it.index == index) {
            Some(it) => format!(
                "test example {index} ({}, label {}, predicted {}, loss {})",
                it.source,
                self.labels.text(it.label),
                self.labels.text(it.predicted),
                short(it.loss)
            ),
            None => format!("test example {index}"),
        }
    }

    fn about(&self, path: &FollowedPathRecord) -> String {
        let who = match (&path.source, path.label) {
            (Some(source), Some(label)) => {
                format!("{source}, label {}", self.labels.text(label))
            }
            _ => format!(
                "{}, weights change by {} in sum",
                plural(path.examples, "training example"),
                brief(path.weight_change)
            ),
        };
        let gap = &path.tangent_gap;
        format!(
            "{who}. It {}, by {} and {} products with the Hessian; the largest true residual of a system is {:.1e}. The \
             tangent is {} long at 1 and {} at the end; they differ by {}, the integral of the second derivative is {} and its \
             bound {}. The angle between them is {}°, the widest to the chord {}°. The trained parameters were {} from the path's \
             beginning.",
            match path.ended.is_whole() {
                true => "was followed to eps = 0".to_owned(),
                false => ended(&path.ended),
            },
            plural(path.points.len(), "point"),
            short(path.products()),
            path.true_residual(),
            short(gap.at_one),
            short(gap.at_end),
            short(gap.difference),
            short(gap.integral),
            short(gap.bound),
            short(path.straightness.angle),
            short(path.straightness.widest),
            short(path.from_trained),
        )
    }
}

fn row(cells: &[String]) -> Html {
    let cells = cells.iter().enumerate();
    let cells = cells.map(|(column, cell)| text(if column == 0 { "th" } else { "td" }, cell));
    element("tr", &[], cells)
}
