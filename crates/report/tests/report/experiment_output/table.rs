//! Records as tables.

use backdraft_attribution::evaluate::{FailedRemoval, Stage};
use backdraft_report::Unit;
use backdraft_report::experiment::{DecompositionRecord, Findings};

use super::record::{correlations, decomposition, mislabel, odd, sweep};

const MISSING: &str = "1 of 3 removals failed and is left out. \
                       The first: examples 3 (train-images-idx3-ubyte index 3), 17 (train-images-idx3-ubyte index 17), \
                       20 and 2 more, pbrf: the loss became <script>.";

#[test]
fn gaps_stand_beside_the_papers() {
    let expected = "\
gap                 mean  ± std      paper  ± std
warm start           0.4  ± 0.2828   0.208  ± 0.732
proximity           0.02  ± 0.01414  0.006  ± 0.024
non-convergence      0.6  ± 0.4243   0.211  ± 0.745
linearization    2.00e-5  ± 1.41e-5  0.000  ± 0.000
solver           4.00e-4  ± 2.83e-4  0.001  ± 0.004

mean over the training set of the L2 distance between outputs, in logits, over 2 removals
1 of 2 influence estimates have a residual above the solver's tolerance, 0.3 at the most
paper: Table 5, MLP on a tenth of MNIST
";
    let mut decomposition = decomposition();
    assert_eq!(decomposition.to_table(), format!("{MISSING}\n\n{expected}"));
    decomposition.failed.clear();
    assert_eq!(decomposition.to_table(), expected);

    decomposition.setup.data = "digits".into();
    let DecompositionRecord { setup, points, .. } = decomposition;
    let alone = DecompositionRecord::new(setup, points, vec![]).to_table();
    assert!(
        alone.starts_with("gap                 mean  ± std\n"),
        "{alone}"
    );
    assert!(!alone.contains("paper"), "{alone}");
}

/// The paper's targets are standardised: its figures are taken times what ours are.
#[test]
fn the_papers_figures_are_in_the_same_unit() {
    let mut before = decomposition();
    before.setup.model = "mlp".into();
    before.setup.data = "concrete".into();
    before.setup.unit = Unit::squared("strength", 10.0);
    let DecompositionRecord { setup, points, .. } = before;
    let text = DecompositionRecord::new(setup, points, vec![]).to_table();
    let first = text.lines().nth(1).unwrap_or_default();
    let cells: Vec<&str> = first.split_whitespace().collect();
    let expected = ["warm", "start", "4", "±", "2.828", "0.79", "±", "0.08"];
    assert_eq!(cells, expected, "{text}");
    assert!(
        text.contains("outputs, in `strength`, over 2 removals\n"),
        "{text}"
    );
    assert!(
        text.contains("paper: Table 5, MLP on Concrete, times 10\n"),
        "{text}"
    );
}

#[test]
fn correlations_stand_beside_the_papers() {
    let expected = "\
response    Pearson  Spearman  P within  S within  paper P  paper S  from
PBRF              1         1         1         1     0.98     0.99  Table 2
warm start  -0.6169   -0.7143        -1        -1     0.22     0.35  Table 2
";
    let text = correlations().to_table();
    assert!(
        text.starts_with(&format!("{MISSING}\n\n{expected}\n")),
        "{text}"
    );
    assert!(text.ends_with("paper: MLP on a tenth of MNIST\n"), "{text}");
}

#[test]
fn a_sweep_has_a_row_a_value() {
    let expected = "\
width  warm start  proximity  non-convergence  linearization   solver  removals
   16           –          –                –              –        –    failed
  128         0.4       0.02              0.6        2.00e-5  4.00e-4         2
 1024         0.4       0.02              0.6        2.00e-5  4.00e-4         2
";
    let text = sweep().to_table();
    let told =
        "1 of 3 values failed. The first: width 16: training diverged. 2 of 6 removals failed";
    assert!(text.starts_with(told), "{text}");
    // Each by itself.
    for value in ["128", "1024"] {
        let places = "3 (train-images-idx3-ubyte index 3), 17 (train-images-idx3-ubyte index 17)";
        let other = format!("\n  width {value}, examples {places}, 20 and 2 more, pbrf: the loss");
        assert!(text.contains(&other), "{text}");
    }
    assert!(text.contains(&format!("\n\n{expected}\n")), "{text}");
    assert!(
        text.contains("\n2 of 4 influence estimates have a residual above"),
        "{text}"
    );
    let paper =
        "paper: Figure 5, MLP on a tenth of MNIST: the linearization error falls with the width\n";
    assert!(text.ends_with(paper), "{text}");
}

#[test]
fn rankings_are_told_by_what_they_find() {
    let expected = "\
inspected by     10 %    20 %     30 %  area
self-influence  0.0 %  50.0 %  100.0 %   0.8
PBRF            0.0 %  50.0 %  100.0 %   0.8
random          0.0 %   0.0 %   50.0 %   0.5
";
    let text = mislabel().to_table();
    let told = "1 of 10 examples failed and are ranked last. The first: examples 3";
    assert!(text.starts_with(told), "{text}");
    assert!(text.contains(&format!("\n\n{expected}\n")), "{text}");
    assert!(
        text.contains("\n4 of 9 influence estimates have a residual above"),
        "{text}"
    );
    assert!(
        text.contains("\npaper: Figure 6, MLP on a tenth of MNIST"),
        "{text}"
    );
}

#[test]
fn all_that_failed_is_named() {
    let mut decomposition = decomposition();
    for (example, reason) in [(5, "it grew"), (6, "it is NaN")] {
        decomposition.failed.push(FailedRemoval {
            removed: vec![example],
            stage: Stage::Proximal,
            reason: reason.into(),
        });
    }
    let text = decomposition.to_table();
    let told = "3 of 5 removals failed and are left out. The first: examples 3 (train-images-idx3-ubyte index 3), \
                17 (train-images-idx3-ubyte index 17), 20 and 2 more, pbrf: the loss became <script>. The others:\n  example 5, proximal: it grew.\n  example 6, proximal: it is NaN.\n\ngap ";
    assert!(text.starts_with(told), "{text}");
}

#[test]
fn tables_survive_the_oddest_numbers() {
    let (decompositions, correlations, sweeps, mislabels) = odd();
    let texts = [
        decompositions.iter().map(|it| it.to_table()).collect(),
        correlations.iter().map(|it| it.to_table()).collect(),
        sweeps.iter().map(|it| it.to_table()).collect::<Vec<_>>(),
        mislabels.iter().map(|it| it.to_table()).collect(),
    ];
    for text in texts.iter().flatten() {
        assert!(text.ends_with('\n') && text.lines().count() >= 3, "{text}");
    }
}
