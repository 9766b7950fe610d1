//! `diagnostics.csv`, and the same for the terminal.

use backdraft_attribution::Convergence;

use super::BayesRecord;
use crate::{
    OutputError,
    number::{percent, short, short_or_dash},
    table::aligned,
    top::query_cell,
};

/// The file's name.
pub const DIAGNOSTICS_FILE: &str = "diagnostics.csv";

/// What the chains were followed by, the mean training loss and each row that is measured, as
/// `quantity,at_weights,mean,r_hat,bulk_ess,tail_ess,good`: its value at the weights and its mean over all draws, in its
/// unit, and how far the chains have mixed. What is not defined is empty, and an R-hat of chains that do not move `inf`.
///
/// # Errors
/// [`OutputError::Encode`].
pub fn diagnostics_csv(record: &BayesRecord) -> Result<Vec<u8>, OutputError> {
    let refused = |reason: String| OutputError::encode(DIAGNOSTICS_FILE, reason);
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut write = |cells: Vec<String>| {
        let done = table.write_record(cells);
        done.map_err(|error| refused(error.to_string()))
    };
    let head = "quantity,at_weights,mean,r_hat,bulk_ess,tail_ess,good";
    write(head.split(',').map(String::from).collect())?;
    let cell = |it: Option<f64>| it.map_or_else(String::new, |it| format!("{it:?}"));
    let chains = record.sampling.chains;
    let mut row = |name: String, [at, mean]: [f64; 2], of: &Convergence| {
        write(vec![
            name,
            format!("{at:?}"),
            format!("{mean:?}"),
            cell(of.r_hat),
            cell(of.bulk_ess),
            cell(of.tail_ess),
            of.is_good(chains).to_string(),
        ])
    };
    let sampling = &record.sampling;
    let losses = [sampling.loss_at_weights, sampling.mean_loss];
    row("training loss".into(), losses, &sampling.convergence)?;
    for it in &record.rows {
        let name = query_cell(it.index);
        row(name, [it.at_weights, it.mean], &it.convergence)?;
    }
    table
        .into_inner()
        .map_err(|error| refused(error.to_string()))
}

/// The diagnostics of the training loss and of each row in aligned columns, and how the scores compare with influence.
/// Ends with a newline.
pub fn bayes_table(record: &BayesRecord) -> String {
    let compared = record.rows.iter().any(|it| it.influence.is_some());
    let mut head = vec![
        "measured",
        "at weights",
        "mean",
        "R-hat",
        "bulk ESS",
        "tail ESS",
        "told apart",
    ];
    if compared {
        head.extend(["Pearson", "Spearman", "slope"]);
    }
    let mut rows = vec![head.into_iter().map(String::from).collect::<Vec<_>>()];
    let ess = |it: Option<f64>| it.map_or_else(|| "–".into(), |it| format!("{it:.0}"));
    let cells = |name: String, [at, mean]: [f64; 2], of: &Convergence| {
        vec![
            name,
            short(at),
            short(mean),
            of.r_hat.map_or_else(|| "–".into(), |it| format!("{it:.4}")),
            ess(of.bulk_ess),
            ess(of.tail_ess),
        ]
    };
    let sampling = &record.sampling;
    let losses = [sampling.loss_at_weights, sampling.mean_loss];
    rows.push(cells("training loss".into(), losses, &sampling.convergence));
    for it in &record.rows {
        let name = it.name(record.measure.mean_over);
        let mut row = cells(name, [it.at_weights, it.mean], &it.convergence);
        row.push(percent(it.told_apart));
        if let Some(found) = &it.influence {
            let numbers = [found.pearson, found.spearman, found.slope];
            row.extend(numbers.map(short_or_dash));
        }
        rows.push(row);
    }
    aligned(&rows, &[0])
}
