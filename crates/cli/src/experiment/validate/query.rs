//! The test example that a validation asks about.

use backdraft_models::{data::Targets, per_example_losses, predicted_classes, quote};
use backdraft_report::experiment::ValidatedQuery;

use crate::{CliError, experiment::subject::Subject};

impl Subject<'_> {
    /// The test example named, or the first that the network gives another class than its own, or the one with the
    /// highest loss. Its loss is measured later.
    pub fn query(&self, asked: Option<usize>) -> Result<ValidatedQuery, CliError> {
        let test = &self.dataset.test;
        let given = predicted_classes(&self.base, test, self.objective);
        let classes = match &test.targets {
            Targets::Classes(classes) => Some(classes),
            _ => None,
        };
        let wrong = classes.zip(given.as_ref()).and_then(|(own, given)| {
            let mut pairs = own.iter().zip(given);
            pairs.position(|(own, given)| own != given)
        });
        let (index, rule) = match (asked, wrong) {
            (Some(index), _) => (index, "it was named"),
            (None, Some(index)) => {
                let rule =
                    "the first test example that the network gives another class than its own";
                (index, rule)
            }
            (None, None) => {
                let losses = per_example_losses(&self.base, test, self.objective);
                let highest = (0..losses.len()).max_by(|&a, &b| {
                    // Of equal ones the first.
                    losses[a].total_cmp(&losses[b]).then(b.cmp(&a))
                });
                let rule = "the test example with the highest loss: none is given a wrong class";
                (highest.unwrap_or_default(), rule)
            }
        };
        let names = self.dataset.task.classes();
        let name = |class: i64| Some(quote::text(names.get(usize::try_from(class).ok()?)?));
        Ok(ValidatedQuery {
            index,
            place: self.dataset.test_place(index),
            rule: rule.to_owned(),
            label: classes.and_then(|classes| name(classes[index])),
            predicted: given.and_then(|given| name(given[index])),
            loss: f64::NAN,
        })
    }
}
