//! `path.csv` and `path-queries.csv`: the points of paths, and the losses of queries along them.

use super::PathsRecord;
use crate::OutputError;

/// The file of the points.
pub const PATHS_FILE: &str = "path.csv";
/// The file of the queries' losses.
pub const QUERIES_FILE: &str = "path-queries.csv";

/// A row for each point of each path:
/// `path,eps,step,value,taken,taken_slope,speed,acceleration,curvature,gradient,corrections,corrected,true_residual,products`.
/// `value` is the objective's, `taken` its derivative in `eps` (for one example its loss over the number of examples)
/// and `taken_slope` that one's, in the record's unit; `speed` is `||theta'||`, `acceleration` `||theta''||`.
///
/// # Errors
/// [`OutputError::Encode`].
pub fn paths_csv(record: &PathsRecord) -> Result<Vec<u8>, OutputError> {
    const HEAD: [&str; 14] = [
        "path",
        "eps",
        "step",
        "value",
        "taken",
        "taken_slope",
        "speed",
        "acceleration",
        "curvature",
        "gradient",
        "corrections",
        "corrected",
        "true_residual",
        "products",
    ];
    let rows = record.paths.iter().flat_map(|path| {
        path.points.iter().map(|point| {
            let it = &point.facts;
            let numbers = [
                it.eps,
                it.step,
                it.value,
                it.taken,
                it.taken_slope,
                it.speed,
                it.acceleration,
                it.curvature,
                it.gradient,
            ];
            let mut row = vec![path.name.clone()];
            row.extend(numbers.map(exact));
            row.push(it.corrections.to_string());
            row.extend([it.corrected, it.true_residual, it.products].map(exact));
            row
        })
    });
    table(PATHS_FILE, &HEAD, rows)
}

/// A row for each point of each path and each query:
/// `path,eps,query,loss,slope,change,influence_at_one,influence_at_end,newton`. `slope` is the loss's derivative in
/// `eps` along the path, `change` the loss less that at the first point, and the last three what the straight lines say
/// of it there: that of influence at the end goes through the path's end. In the record's unit; empty where it is not
/// known.
///
/// # Errors
/// [`OutputError::Encode`].
pub fn path_queries_csv(record: &PathsRecord) -> Result<Vec<u8>, OutputError> {
    const HEAD: [&str; 9] = [
        "path",
        "eps",
        "query",
        "loss",
        "slope",
        "change",
        "influence_at_one",
        "influence_at_end",
        "newton",
    ];
    let rows = record.paths.iter().flat_map(|path| {
        path.points.iter().flat_map(move |point| {
            path.queries.iter().enumerate().map(move |(place, query)| {
                let (loss, eps) = (point.losses[place], point.facts.eps);
                let change = loss - path.points[0].losses[place];
                let mut row = vec![path.name.clone(), exact(eps), query.query.to_string()];
                row.extend([loss, point.slopes[place], change].map(exact));
                row.extend(
                    path.lines(place, eps)
                        .map(|it| it.map_or_else(String::new, exact)),
                );
                row
            })
        })
    });
    table(QUERIES_FILE, &HEAD, rows)
}

/// All digits.
fn exact(number: f64) -> String {
    format!("{number:?}")
}

fn table(
    name: &'static str,
    head: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<Vec<u8>, OutputError> {
    let refused = |reason: String| OutputError::encode(name, reason);
    let mut table = csv::Writer::from_writer(Vec::new());
    let head = head.iter().copied().map(String::from).collect();
    for row in std::iter::once(head).chain(rows) {
        let done = table.write_record(row);
        done.map_err(|error| refused(error.to_string()))?;
    }
    table
        .into_inner()
        .map_err(|error| refused(error.to_string()))
}
