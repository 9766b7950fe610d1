//! Hold predicted changes against what really happens.

use backdraft::attribution::{
    NewtonPrediction,
    verify::{
        self, RemovalResponse, Selection, Verification, VerifiedPair, Verifier, VerifyProgress,
    },
};
use backdraft_curvature::Cost;
use backdraft_influence::response::ResponseKind;
use backdraft_models::{computes_in_f64, data::Dataset};
use burn::tensor::{DType, Device};

use super::{
    CliError,
    progress::{Bar, say, words},
    run_folder::PartsFolder,
};
use backdraft_report::{
    Failed, Measure, Pair, ScoreRecord, VerificationCoverage, VerificationRecord,
};

/// Seconds from which on it is said beforehand how long a response may take.
const LONG: f64 = 10.0;
/// Gradients over all training examples that a response takes, from few to many.
const GRADIENTS: [f64; 2] = [20.0, 200.0];

/// How much is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    Nothing,
    /// As many removals of a whole verification as can be had in about a minute, and at least three.
    Quick,
    Full,
    /// So many, however long it takes.
    Removals(usize),
}

impl Amount {
    /// As it was asked for.
    pub fn name(self) -> String {
        match self {
            Self::Nothing => "none".into(),
            Self::Quick => "quick".into(),
            Self::Full => "full".into(),
            Self::Removals(count) => format!("{count} removals"),
        }
    }
}

/// Where responses are computed, and in which float type. The objective's gradient is a small difference of large ones,
/// so in f64: on the device itself if it has that, else on the CPU. Only a build without a CPU backend is left with
/// f32.
pub(super) fn place(device: &Device) -> (Device, DType) {
    if computes_in_f64(device) {
        return (device.clone(), DType::F64);
    }
    #[cfg(feature = "flex")]
    return (Device::flex(), DType::F64);
    #[cfg(not(feature = "flex"))]
    (device.clone(), DType::F32)
}

/// A verification of scores.
pub(super) struct Verify<'a> {
    pub train: &'a Cost,
    /// In the order of the scores' rows.
    pub queries: &'a Cost,
    pub scores: &'a ScoreRecord,
    /// Newton estimates of the same, in the units that the network is trained with.
    pub newton: &'a [NewtonPrediction],
    /// What the scores are changes of.
    pub measure: &'a Measure,
    pub dataset: &'a Dataset,
    pub damping: f64,
    pub seed: u64,
    pub amount: Amount,
    pub store: &'a PartsFolder,
}

impl Verify<'_> {
    /// Computes the response to the removal of the strongest and of random training examples, and compares the change
    /// of what is measured of every query with its score. Also the seconds that the responses took.
    pub fn run(&self) -> Result<(VerificationRecord, f64), CliError> {
        let count = match self.amount {
            Amount::Removals(count) => Some(count),
            _ => None,
        };
        let rows = 0..self.scores.rows();
        let rows: Vec<Vec<f64>> = rows.map(|row| self.scores.row(row).to_vec()).collect();
        let selection = Selection::of(&rows, self.seed, count).with_kinds(self.measure.kinds());
        let responses = self.responses(&selection.removals)?;
        let seconds = responses.iter().map(|(_, it)| it.seconds).sum();
        let coverage = VerificationCoverage {
            asked: self.amount.name(),
            planned: selection.removals.len(),
            removals: responses.iter().map(|(example, _)| *example).collect(),
        };
        let factor = self.measure.factor;
        let found = Verification::of(&rows, &selection, responses, factor);
        let found = found.with_newton(self.newton, factor);
        let failed = found.failed.iter().map(|(train, reason)| Failed {
            train: *train,
            source: Some(self.dataset.train_place(*train)),
            reason: reason.clone(),
        });
        let record = VerificationRecord {
            pearson: found.pearson(),
            spearman: found.spearman(),
            slope: found.slope(),
            newton: found.newton(),
            intervals: found.intervals(self.seed),
            max_objective_gradient: found.gradient,
            coverage: Some(coverage),
            pairs: found.pairs.iter().map(|it| self.pair(it)).collect(),
            failed: failed.collect(),
        };
        Ok((record, seconds))
    }

    /// The responses to as many of `removals`, in their order, as were asked for: from the folder where they are there.
    fn responses(&self, removals: &[usize]) -> Result<Vec<(usize, RemovalResponse)>, CliError> {
        let bar = Bar::new("verifying", removals.len() as u64);
        let progress = |progress| match progress {
            VerifyProgress::Begun {
                done,
                gradient_seconds,
            } => {
                bar.aside(|| gradient_seconds.into_iter().for_each(announce));
                bar.begin(done as u64, bar.steps());
            }
            VerifyProgress::Expected(count) => bar.length(count as u64),
            VerifyProgress::Step(step) => bar.message(format!("step {step} of a response")),
            VerifyProgress::Done(count) => bar.set(count as u64),
            _ => {}
        };
        let kind = ResponseKind::Bregman;
        let verifier = Verifier::new(self.train, self.queries, self.damping, kind)?;
        let verifier = verifier
            .with_mean(self.measure.mean_over.is_some())
            .with_own_store(self.store)
            .with_progress(progress);
        let extent = match self.amount {
            Amount::Quick => verify::Extent::Quick,
            _ => verify::Extent::Full,
        };
        Ok(verifier.run(removals, extent)?)
    }

    fn pair(&self, found: &VerifiedPair) -> Pair {
        Pair {
            query: self.scores.query(found.row),
            train: found.removed,
            source: Some(self.dataset.train_place(found.removed)),
            predicted: found.predicted,
            newton: found.newton,
            actual: found.found,
            kind: found.kind,
        }
    }
}

/// Says how long a response may take, if that is long.
fn announce(gradient_seconds: f64) {
    let [few, many] = GRADIENTS.map(|count| count * gradient_seconds);
    if few > LONG {
        say(format_args!(
            "verifying: a response takes some {} to {} gradients of {gradient_seconds:.2} s, which may be {} to {}; \
             --verify none does without",
            GRADIENTS[0],
            GRADIENTS[1],
            words(few),
            words(many)
        ));
    }
}
