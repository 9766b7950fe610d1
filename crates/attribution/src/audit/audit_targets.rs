//! The targets that are looked through.

use super::Suggestion;
use crate::AttributionError;

/// The targets of all training examples, in their order.
#[derive(Clone, Debug, PartialEq)]
pub enum AuditTargets {
    /// Classes, of a network whose outputs are their logits; a single output is the logit of class 1 of two.
    Classes(Vec<usize>),
    /// Values, of a network with one output.
    Values(Vec<f64>),
}

impl AuditTargets {
    /// Refuses targets that do not belong to so many examples with so many outputs each.
    pub(super) fn check(&self, examples: usize, width: usize) -> Result<(), AttributionError> {
        let refuse = |problem: String| {
            Err(AttributionError::Setting {
                name: "targets",
                problem,
            })
        };
        let len = match self {
            Self::Classes(classes) => classes.len(),
            Self::Values(values) => values.len(),
        };
        if len != examples {
            return refuse(format!("are {len}, of {examples} examples"));
        }
        match self {
            Self::Classes(classes) => match classes.iter().find(|it| **it >= width.max(2)) {
                Some(class) => refuse(format!(
                    "have the class {class}, and there are {}, counted from 0",
                    width.max(2)
                )),
                None => Ok(()),
            },
            Self::Values(_) if width != 1 => refuse(format!(
                "are a value an example, and the network has {width} outputs"
            )),
            Self::Values(values) => match values.iter().find(|it| !it.is_finite()) {
                Some(value) => refuse(format!("have {value}: all must be finite")),
                None => Ok(()),
            },
        }
    }

    /// How sure a network with these outputs is of an example's target.
    pub(super) fn margin(&self, example: usize, outputs: &[f64]) -> f64 {
        match self {
            Self::Values(values) => -(outputs[0] - values[example]).abs(),
            Self::Classes(classes) => {
                let logits = logits(outputs);
                let class = classes[example];
                let others = (0..logits.len()).filter(|it| *it != class);
                logits[class] - log_sum_exp(others.map(|it| logits[it]))
            }
        }
    }

    /// What a network with these outputs says.
    pub(super) fn suggestion(&self, outputs: &[f64]) -> Suggestion {
        match self {
            Self::Values(_) => Suggestion::Value(outputs[0]),
            Self::Classes(_) => {
                let logits = logits(outputs);
                let best = (0..logits.len()).rev();
                let class = best.max_by(|a, b| logits[*a].total_cmp(&logits[*b]));
                let class = class.expect("there are two classes at least");
                let total = log_sum_exp(logits.iter().copied());
                Suggestion::Class {
                    class,
                    probability: (logits[class] - total).exp(),
                }
            }
        }
    }
}

/// One a class.
fn logits(outputs: &[f64]) -> Vec<f64> {
    match outputs {
        [one] => vec![0.0, *one],
        several => several.to_vec(),
    }
}

fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = values.clone().fold(f64::NEG_INFINITY, f64::max);
    most + values.map(|it| (it - most).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_are_log_odds_and_suggestions_the_likeliest_class() {
        let targets = AuditTargets::Classes(vec![1, 0]);
        // Probabilities 1/6, 2/6, 3/6.
        let outputs = [0.0, 2.0_f64.ln(), 3.0_f64.ln()];
        assert!((targets.margin(0, &outputs) - (0.5_f64).ln()).abs() < 1e-15);
        assert!((targets.margin(1, &outputs) - (0.2_f64).ln()).abs() < 1e-15);
        let Suggestion::Class { class, probability } = targets.suggestion(&outputs) else {
            panic!("they are classes");
        };
        assert_eq!(class, 2);
        assert!((probability - 0.5).abs() < 1e-15);
        // One output, and logits that are large.
        assert_eq!(targets.margin(0, &[800.0]), 800.0);
        assert_eq!(targets.margin(1, &[800.0]), -800.0);
        let values = AuditTargets::Values(vec![2.5]);
        assert_eq!(values.margin(0, &[4.0]), -1.5);
        assert_eq!(values.suggestion(&[4.0]), Suggestion::Value(4.0));
    }

    #[test]
    fn targets_that_do_not_belong_are_refused() {
        let refused = |targets: AuditTargets, examples, width| {
            targets.check(examples, width).unwrap_err().to_string()
        };
        let classes = || AuditTargets::Classes(vec![0, 3]);
        assert!(refused(classes(), 3, 4).contains("are 2, of 3"));
        assert!(refused(classes(), 2, 3).contains("class 3, and there are 3"));
        assert!(refused(classes(), 2, 1).contains("class 3, and there are 2"));
        assert!(refused(AuditTargets::Values(vec![1.0]), 1, 2).contains("2 outputs"));
        assert!(refused(AuditTargets::Values(vec![f64::NAN]), 1, 1).contains("finite"));
        assert!(classes().check(2, 4).is_ok());
    }
}
