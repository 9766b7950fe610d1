//! The figures of Bae et al. (2022), "If Influence Functions are the Answer, Then What is the Question?"

use backdraft_attribution::evaluate::{ByResponse, Gaps, Spread};
use backdraft_models::Architecture;

use Architecture::{
    AlexNet, Autoencoder, LeNet, LogisticRegression, Mlp, Onnx, ResNet20, Transformer, Vgg13,
};
use PaperData::{Cancer, Cifar, Concrete, Diabetes, Energy, Fashion, Mnist, Ptb};

use super::Printed;

/// The data sets of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PaperData {
    Cancer,
    Diabetes,
    Concrete,
    Energy,
    Mnist,
    Fashion,
    Cifar,
    Ptb,
}

/// The model of the name that `backdraft models` lists, or of the word for it.
fn model(name: &str) -> Option<Architecture> {
    let name: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    match name.to_lowercase().as_str() {
        "logisticregression" => Some(LogisticRegression),
        name => name.parse().ok(),
    }
}

fn title(model: Architecture) -> &'static str {
    match model {
        LogisticRegression => "logistic regression",
        Mlp => "MLP",
        Autoencoder => "autoencoder",
        LeNet => "LeNet",
        AlexNet => "AlexNet",
        Vgg13 => "VGG13",
        ResNet20 => "ResNet-20",
        Transformer => "transformer",
        Onnx => "network of an ONNX file",
    }
}

impl PaperData {
    /// By a word in the data set's name.
    fn named(name: &str) -> Option<Self> {
        // Fashion-MNIST before MNIST. EMNIST and KMNIST are neither.
        const WORDS: [(&str, PaperData); 10] = [
            ("cancer", Cancer),
            ("diabetes", Diabetes),
            ("concrete", Concrete),
            ("energy", Energy),
            ("fashion", Fashion),
            ("mnist", Mnist),
            ("cifar", Cifar),
            ("ptb", Ptb),
            ("penn", Ptb),
            ("text", Ptb),
        ];
        let name = name.to_lowercase();
        let begins = |word: &str| {
            let mut places = name.match_indices(word);
            places.any(|(at, _)| !name[..at].ends_with(char::is_alphabetic))
        };
        let known = WORDS.into_iter().find(|(word, _)| begins(word));
        known.map(|(_, data)| data)
    }

    fn title(self) -> &'static str {
        match self {
            Cancer => "Cancer",
            Diabetes => "Diabetes",
            Concrete => "Concrete",
            Energy => "Energy",
            Mnist => "MNIST",
            Fashion => "FashionMNIST",
            Cifar => "CIFAR-10",
            Ptb => "Penn Treebank",
        }
    }
}

/// Means and deviations of the five gaps, as printed.
type Row = [(f64, f64); 5];

/// Table 4: without the Gauss-Newton approximation.
#[rustfmt::skip]
const TABLE_4: [(Architecture, PaperData, Row); 4] = [
    (Mlp, Concrete, [(0.079, 0.008), (0.002, 0.000), (0.082, 0.001), (0.000, 0.000), (0.017, 0.026)]),
    (Mlp, Energy, [(0.016, 0.001), (0.001, 0.000), (0.016, 0.001), (0.000, 0.000), (0.000, 0.000)]),
    (Mlp, Mnist, [(0.208, 0.732), (0.006, 0.024), (0.211, 0.745), (0.000, 0.000), (0.003, 0.006)]),
    (Mlp, Fashion, [(2.968, 0.545), (0.385, 0.028), (0.408, 0.033), (0.000, 0.001), (0.009, 0.014)]),
];

/// Table 5: with it.
#[rustfmt::skip]
const TABLE_5: [(Architecture, PaperData, Row); 16] = [
    (LogisticRegression, Cancer, [(0.000, 0.000); 5]),
    (LogisticRegression, Diabetes, [(0.000, 0.000); 5]),
    (Mlp, Concrete, [(0.079, 0.008), (0.002, 0.000), (0.082, 0.001), (0.000, 0.000), (0.001, 0.002)]),
    (Mlp, Energy, [(0.016, 0.001), (0.001, 0.000), (0.016, 0.001), (0.000, 0.000), (0.000, 0.000)]),
    (Mlp, Mnist, [(0.208, 0.732), (0.006, 0.024), (0.211, 0.745), (0.000, 0.000), (0.001, 0.004)]),
    (Mlp, Fashion, [(2.968, 0.545), (0.385, 0.028), (0.408, 0.033), (0.000, 0.001), (0.007, 0.010)]),
    (Autoencoder, Mnist, [(20.743, 0.522), (14.330, 0.184), (11.409, 0.430), (0.000, 0.000), (0.307, 0.088)]),
    (LeNet, Mnist, [(7.434, 1.068), (5.393, 0.547), (3.748, 0.324), (0.000, 0.001), (0.001, 0.001)]),
    (AlexNet, Mnist, [(13.403, 1.289), (0.001, 0.000), (0.118, 0.000), (0.000, 0.000), (0.013, 0.002)]),
    (Vgg13, Mnist, [(7.389, 0.744), (4.872, 1.052), (8.601, 0.478), (0.000, 0.000), (0.001, 0.001)]),
    (ResNet20, Mnist, [(4.433, 0.059), (4.061, 0.157), (4.940, 0.155), (0.001, 0.000), (0.002, 0.001)]),
    (LeNet, Cifar, [(10.668, 0.162), (6.520, 0.442), (5.032, 0.799), (0.001, 0.000), (0.000, 0.000)]),
    (AlexNet, Cifar, [(7.530, 0.233), (5.956, 0.102), (2.864, 0.367), (0.000, 0.000), (0.000, 0.000)]),
    (Vgg13, Cifar, [(8.410, 1.926), (6.279, 0.708), (6.031, 0.660), (0.000, 0.000), (0.073, 0.161)]),
    (ResNet20, Cifar, [(5.827, 0.152), (4.435, 0.669), (3.280, 0.429), (0.000, 0.000), (0.003, 0.001)]),
    (Transformer, Ptb, [(57.926, 5.055), (30.756, 0.673), (61.675, 1.042), (5.002, 1.556), (3.316, 2.630)]),
];

/// Pearson's and Spearman's correlation of influence with each of three responses, as printed.
type Correlated = [(f64, f64); 3];

/// Table 2, cold start, warm start, PBRF: with the Gauss-Newton approximation. It differs from Table 6 on the MLP's
/// cold start and PBRF; the paper does not say why.
#[rustfmt::skip]
const TABLE_2: [(Architecture, PaperData, Correlated); 5] = [
    (Mlp, Mnist, [(-0.55, 0.01), (0.22, 0.35), (0.98, 0.99)]),
    (LeNet, Mnist, [(-0.19, 0.12), (0.32, 0.25), (0.93, 0.52)]),
    (AlexNet, Mnist, [(-0.16, -0.08), (0.51, 0.58), (0.99, 0.99)]),
    (Vgg13, Mnist, [(0.45, -0.07), (-0.28, -0.51), (0.98, 0.77)]),
    (ResNet20, Mnist, [(0.09, -0.06), (0.02, 0.09), (0.81, 0.76)]),
];

/// Table 6, cold start, warm start, PBRF: with the approximation.
#[rustfmt::skip]
const TABLE_6: [(Architecture, PaperData, Correlated); 4] = [
    (Mlp, Concrete, [(-0.11, 0.12), (0.09, 0.11), (0.93, 0.94)]),
    (Mlp, Energy, [(0.03, 0.04), (0.09, 0.13), (0.97, 0.91)]),
    (Mlp, Mnist, [(-0.10, 0.01), (0.22, 0.35), (0.98, 0.91)]),
    (Mlp, Fashion, [(0.16, 0.00), (0.06, 0.07), (0.90, 0.92)]),
];

/// Table 7, cold start, warm start, PBRF: without it.
#[rustfmt::skip]
const TABLE_7: [(Architecture, PaperData, Correlated); 4] = [
    (Mlp, Concrete, [(-0.14, 0.32), (0.24, 0.37), (0.85, 0.71)]),
    (Mlp, Energy, [(-0.01, -0.24), (0.44, 0.57), (0.95, 0.83)]),
    (Mlp, Mnist, [(-0.16, -0.12), (0.21, -0.14), (0.98, 0.81)]),
    (Mlp, Fashion, [(-0.19, 0.01), (0.05, 0.24), (0.91, 0.88)]),
];

/// Table 8, two-stage retraining; its other columns are those of Table 7, so it is without the approximation too.
const TABLE_8: [(Architecture, PaperData, (f64, f64)); 4] = [
    (Mlp, Concrete, (0.52, 0.61)),
    (Mlp, Energy, (0.92, 0.75)),
    (Mlp, Mnist, (0.73, 0.53)),
    (Mlp, Fashion, (0.69, 0.52)),
];

/// The gaps of a model and a data set by name, and the table that they are from; `matrix` is `gauss-newton` or
/// `hessian`.
///
/// Names are those of [`Setup`](super::Setup). A data set is known by a word that begins in its name, in any case:
/// `cancer`, `diabetes`, `concrete`, `energy`, `mnist`, `fashion`, `cifar`; `ptb`, `penn` or `text`. [`subject`] says
/// what the paper's are of.
pub fn gaps(model: &str, data: &str, matrix: &str) -> Option<(Gaps<Spread>, u8)> {
    let (model, data) = (self::model(model)?, PaperData::named(data)?);
    let (rows, table): (&[_], _) = match matrix {
        "gauss-newton" => (&TABLE_5, 5),
        "hessian" => (&TABLE_4, 4),
        _ => return None,
    };
    let row = find(rows, model, data)?;
    Some((
        Gaps::from_array(row.map(|(mean, std)| Spread { mean, std })),
        table,
    ))
}

/// The correlations of a model and a data set by name, as [`gaps`] finds them.
///
/// Those of two-stage retraining are the paper's only ones, with the Hessian, whatever `matrix` is.
pub fn correlations(model: &str, data: &str, matrix: &str) -> ByResponse<Option<Printed>> {
    let (Some(model), Some(data)) = (self::model(model), PaperData::named(data)) else {
        return ByResponse::default();
    };
    let tables: &[(&[_], u8)] = match matrix {
        "gauss-newton" => &[(&TABLE_2, 2), (&TABLE_6, 6)],
        "hessian" => &[(&TABLE_7, 7)],
        _ => &[],
    };
    let mut rows = tables
        .iter()
        .filter_map(|(rows, table)| Some((find(rows, model, data)?, *table)));
    let printed = |(pearson, spearman), table| Printed {
        pearson,
        spearman,
        table,
    };
    let two_stage = find(&TABLE_8, model, data).map(|found| printed(found, 8));
    match rows.next() {
        Some(([cold, warm, pbrf], table)) => ByResponse {
            pbrf: Some(printed(pbrf, table)),
            warm_start: Some(printed(warm, table)),
            cold_start: Some(printed(cold, table)),
            two_stage,
        },
        None => ByResponse {
            two_stage,
            ..ByResponse::default()
        },
    }
}

/// What the paper's Figure 6 and its text (F.3) say of wrong labels.
pub const MISLABEL: &str = "paper: Figure 6, MLP on a tenth of MNIST, a tenth of the labels at random: the PBRF's \
                            self-influence finds over 80 % by examining 20 %, influence much the same";

/// What the paper's Figure 5 and its text (6.2) show of a sweep over `width`, `depth`, `epochs`, `weight-decay`,
/// `damping` or `removed`.
pub fn sweep(over: &str) -> Option<&'static str> {
    Some(match over {
        "width" => "the linearization error falls with the width",
        "depth" => "no gap depends much on the depth",
        "epochs" => "the non-convergence gap falls with the passes",
        "weight-decay" => "all gaps fall as the weight decay grows",
        "damping" => {
            "as the damping grows, the solver and linearization errors fall and the proximity gap grows"
        }
        "removed" => {
            "the more is removed, the larger the warm-start gap and, sharply, the linearization error"
        }
        _ => return None,
    })
}

/// What the paper's figures for a model and a data set by name are of, `MLP on a tenth of MNIST`.
pub fn subject(model: &str, data: &str) -> Option<String> {
    let (model, data) = (self::model(model)?, PaperData::named(data)?);
    let share = match data {
        Mnist | Fashion if model != Autoencoder => "a tenth of ",
        _ => "",
    };
    Some(format!("{} on {share}{}", title(model), data.title()))
}

fn find<T: Copy>(
    rows: &[(Architecture, PaperData, T)],
    model: Architecture,
    data: PaperData,
) -> Option<T> {
    let row = rows.iter().find(|row| (row.0, row.1) == (model, data));
    row.map(|row| row.2)
}
