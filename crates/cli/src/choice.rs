//! The preconditioner of queries' systems, where it is to be chosen.

use backdraft_curvature::{Curvature, Damped};
use backdraft_influence::{Choice, Preconditioner};

use super::{
    CliError,
    args::{PreconditionerName, Solving},
    progress::say,
    solve::conjugate_gradient,
};

/// The preconditioner for so many queries of `matrix` at the least of the dampings, which is said where it was to be
/// chosen.
pub(super) fn preconditioner(
    args: &Solving,
    matrix: &Curvature,
    dampings: &[f64],
    queries: usize,
) -> Result<(Preconditioner, Option<Choice>), CliError> {
    let seed = args.seed;
    let is_auto = args.solver.preconditioner == Some(PreconditionerName::Auto);
    // Several dampings share a space, which they do without one alone.
    let ([damping], true) = (dampings, is_auto) else {
        let asked = args.solver.preconditioner(seed);
        return Ok((asked.unwrap_or_default(), None));
    };
    let solver = conjugate_gradient(args, &Preconditioner::None)?;
    let matrix = Damped::new(matrix, *damping);
    let choice = solver.choose_preconditioner(&matrix, queries, args.block, seed)?;
    say(words(&choice));
    Ok((choice.preconditioner.clone(), Some(choice)))
}

/// What was chosen, and why.
pub(super) fn words(choice: &Choice) -> String {
    let chosen = choice.preconditioner.name();
    let (width, count) = choice.blocks;
    if count < 2 {
        return format!("preconditioner {chosen}: all queries are one block");
    }
    let each = choice.predicted.iter().map(|it| {
        let name = match &it.preconditioner {
            Preconditioner::Nystroem(config) => format!("nystroem, rank {}", config.rank),
            other => other.name().into(),
        };
        format!("{:.0} ({name})", it.products)
    });
    let each: Vec<String> = each.collect();
    let queries = match width {
        1 => format!("{count} queries one by one"),
        _ => format!("{count} blocks of {width} queries"),
    };
    format!(
        "preconditioner {chosen}: for {queries} the products predicted are {}",
        each.join(", ")
    )
}
