//! `unlearn.csv`: each network, and how near it is to the retrained one.

use backdraft_attribution::Membership;

use super::{CertificateRecord, UnlearnedRecord};
use crate::{OutputError, Quality};

/// The file's name.
pub const UNLEARN_FILE: &str = "unlearn.csv";

const HEAD: [&str; 23] = [
    "method",
    "share",
    "steps",
    "seconds",
    "parameter_distance",
    "forgotten_distance",
    "test_distance",
    "forgotten_loss",
    "forgotten_accuracy",
    "retained_loss",
    "retained_accuracy",
    "test_loss",
    "test_accuracy",
    "auc",
    "advantage",
    "calibrated_auc",
    "calibrated_advantage",
    "bound",
    "retrained_steps",
    "sigma",
    "noisy_test_loss",
    "noisy_test_accuracy",
    "problem",
];

/// A line a network, in their order. Losses and distances of outputs are in the record's unit; what is not known is
/// empty, and `problem` says why there is no network or no certificate.
///
/// # Errors
/// [`OutputError::Encode`].
pub fn unlearn_csv(networks: &[UnlearnedRecord]) -> Result<Vec<u8>, OutputError> {
    let refused = |reason: String| OutputError::encode(UNLEARN_FILE, reason);
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut write = |record: Vec<String>| {
        let done = table.write_record(record);
        done.map_err(|error| refused(error.to_string()))
    };
    write(HEAD.map(String::from).to_vec())?;
    for network in networks {
        write(row(network))?;
    }
    table
        .into_inner()
        .map_err(|error| refused(error.to_string()))
}

fn row(it: &UnlearnedRecord) -> Vec<String> {
    let count = |it: Option<usize>| it.map_or_else(String::new, |it| it.to_string());
    let quality = it.quality;
    let [forgotten, retained, test] = [
        pair(quality.map(|it| it.forgotten)),
        pair(quality.map(|it| it.retained)),
        pair(quality.map(|it| it.test)),
    ];
    let (certificate, problem) = match &it.certificate {
        Some(CertificateRecord::Certified {
            certificate,
            retrained_steps,
            noisy_test,
        }) => {
            let [loss, accuracy] = pair(*noisy_test);
            let bound = number(Some(certificate.distance));
            let sigma = number(Some(certificate.sigma));
            let cells = [bound, retrained_steps.to_string(), sigma, loss, accuracy];
            (cells, None)
        }
        Some(CertificateRecord::Refused { refused }) => (Default::default(), Some(refused.clone())),
        None => (Default::default(), None),
    };
    let mut cells = vec![
        it.method.name().to_owned(),
        number(it.share),
        count(it.steps),
        number(Some(it.seconds)),
        number(it.parameter_distance),
        number(it.forgotten_distance),
        number(it.test_distance),
    ];
    cells.extend([forgotten, retained, test].into_iter().flatten());
    cells.extend(membership(it.by_loss));
    cells.extend(membership(it.calibrated));
    cells.extend(certificate);
    cells.push(it.failed.clone().or(problem).unwrap_or_default());
    cells
}

fn number(it: Option<f64>) -> String {
    it.map_or_else(String::new, |it| format!("{it:?}"))
}

/// Loss and accuracy.
fn pair(quality: Option<Quality>) -> [String; 2] {
    [
        number(quality.map(|it| it.loss)),
        number(quality.and_then(|it| it.accuracy)),
    ]
}

fn membership(found: Option<Membership>) -> [String; 2] {
    [
        number(found.map(|it| it.auc)),
        number(found.map(|it| it.advantage)),
    ]
}
