//! What changes of groups' weights do.

use super::Report;
use crate::groups::{HEAD, cells};
use crate::page::{Html, element, section, table, text};

/// The section on groups; none if there are none.
pub(super) fn groups(report: &Report) -> Option<Html> {
    let groups = &report.record.groups;
    if groups.is_empty() {
        return None;
    }
    let measure = report.record.measure();
    let lead = format!(
        "What it is predicted to do to the {} that the weights of groups of training examples change, by one solve a group: to \
         first order the sum of their scores, each times what is taken off its weight. Beside it, where there are some, the Newton \
         estimate and the change found by training the response function to convergence with the weights that are left. A group is \
         no small change: what the first order leaves out grows with it.",
        measure.subject()
    );
    let rows = groups.iter().flat_map(|group| {
        let row = |pair| {
            let cells = cells(group, pair).map(|cell| text("td", cell));
            element("tr", &[], cells)
        };
        group.changes.iter().map(row).collect::<Vec<_>>()
    });
    let failed = groups.iter().filter_map(|group| {
        let reason = group.failed.as_ref()?;
        let said = format!("No response to group {}: {reason}.", group.name);
        Some(text("p", said))
    });
    let shown = [text("p", lead), table("pairs", &HEAD, rows)];
    Some(section(
        "Groups of training examples",
        shown.into_iter().chain(failed),
    ))
}
