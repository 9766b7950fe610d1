//! Paths as a table for the terminal.

use super::{
    FollowedPathRecord, PathsRecord,
    record::{cause, ended},
};
use crate::{
    number::{change, short, short_or_dash},
    table::aligned,
};

/// The columns of a path's own numbers.
pub(super) const HEAD: [&str; 9] = [
    "path",
    "ends at eps",
    "chord/arc",
    "angle",
    "gap of tangents",
    "bound",
    "from 1 lands",
    "from the end",
    "Newton",
];

/// A path's cells, in the order of [`HEAD`].
pub(super) fn cells(path: &FollowedPathRecord) -> Vec<String> {
    let (gap, landings) = (&path.tangent_gap, &path.landings);
    let relative = |of: f64| match gap.at_one > 0.0 {
        true => short(of / gap.at_one),
        false => short(0.0),
    };
    vec![
        path.name.clone(),
        short(path.ended.last()),
        short(path.straightness.ratio),
        format!("{}°", short(path.straightness.angle)),
        relative(gap.difference),
        relative(gap.bound),
        short(landings.influence_at_one.relative),
        short(landings.influence_at_end.relative),
        short_or_dash(landings.newton.map(|it| it.relative)),
    ]
}

/// The columns of what paths do to queries.
pub(super) const QUERY_HEAD: [&str; 6] = [
    "path",
    "query",
    "influence at 1",
    "influence at the end",
    "Newton",
    "path itself",
];

/// The cells of one path and query, in the order of [`QUERY_HEAD`].
pub(super) fn query_cells(path: &FollowedPathRecord, place: usize) -> Vec<String> {
    let it = &path.queries[place];
    vec![
        path.name.clone(),
        it.query.to_string(),
        change(it.influence_at_one),
        change(it.influence_at_end),
        it.newton.map_or_else(|| "–".into(), change),
        change(it.actual),
    ]
}

/// What was not reached, a sentence a path.
pub(super) fn notes(path: &FollowedPathRecord) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(cause) = cause(&path.ended) {
        notes.push(format!("{} {}: {cause}", path.name, ended(&path.ended)));
    }
    if let Some(reason) = &path.no_newton {
        notes.push(format!("{} has no Newton estimate: {reason}", path.name));
    }
    notes
}

/// The paths in aligned columns, what they do to each query below, in the record's unit, and what was not reached. The
/// gap of the tangents and its bound are relative to the tangent at 1, landings to the distance between the ends. Ends
/// with a newline.
pub fn paths_table(record: &PathsRecord) -> String {
    let head = |names: &[&str]| names.iter().copied().map(String::from).collect::<Vec<_>>();
    let mut rows = vec![head(&HEAD)];
    rows.extend(record.paths.iter().map(cells));
    let mut text = aligned(&rows, &[0]);
    let mut rows = vec![head(&QUERY_HEAD)];
    for path in &record.paths {
        rows.extend((0..path.queries.len()).map(|place| query_cells(path, place)));
    }
    text.push_str(&format!(
        "\nchange of the loss, by\n{}",
        aligned(&rows, &[0])
    ));
    let notes: Vec<String> = record.paths.iter().flat_map(notes).collect();
    if !notes.is_empty() {
        text.push('\n');
        text.extend(notes.into_iter().map(|note| note + "\n"));
    }
    text
}
