//! `values.csv`: every player with its values.

use super::{Player, ValueColumn};
use crate::{Labels, OutputError, PlaceColumns};

/// The file's name.
pub const VALUES_FILE: &str = "values.csv";

/// The players in their order, as `player,examples,label,wrong`, the values of each column under its name and their
/// standard errors under `.._standard_error`, and where an example stands. Positive values help.
///
/// # Errors
/// [`OutputError::Length`] for columns of another length; [`OutputError::Encode`].
pub fn values_csv(
    players: &[Player],
    columns: &[ValueColumn],
    labels: &Labels,
) -> Result<Vec<u8>, OutputError> {
    for column in columns {
        OutputError::check_len("values", players.len(), column.values.len())?;
    }
    let refused = |reason: String| OutputError::encode(VALUES_FILE, reason);
    let mut sources = players.iter().filter_map(|it| it.source.as_ref());
    let stands = PlaceColumns::of(sources.clone());
    let stands = sources.next().map(|_| stands);
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut write = |record: Vec<String>| {
        let done = table.write_record(record);
        done.map_err(|error| refused(error.to_string()))
    };
    let mut head: Vec<String> = ["player", "examples", "label", "wrong"]
        .map(String::from)
        .into();
    for column in columns {
        head.push(column.name.clone());
        let error = column.standard_errors.as_ref();
        head.extend(error.map(|_| format!("{}_standard_error", column.name)));
    }
    head.extend(stands.iter().flat_map(|it| it.head()).map(String::from));
    write(head)?;
    for (i, player) in players.iter().enumerate() {
        let label = player.label.map(|it| labels.exact(it));
        let mut record = vec![
            player.name.clone(),
            player.examples.to_string(),
            label.unwrap_or_default(),
            player.wrong.to_string(),
        ];
        for column in columns {
            record.push(format!("{:?}", column.values[i]));
            let errors = column.standard_errors.as_ref();
            record.extend(errors.map(|it| format!("{:?}", it[i])));
        }
        let place = stands.iter().zip(&player.source);
        record.extend(place.flat_map(|(stands, place)| stands.cells(place)));
        write(record)?;
    }
    table
        .into_inner()
        .map_err(|error| refused(error.to_string()))
}
