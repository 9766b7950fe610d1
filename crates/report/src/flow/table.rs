//! Distances to the minimum without what is removed, as a table.

use super::{FlowRecord, FlowedState, RemovalFlows};
use crate::{number::short, table::aligned};

/// Of each removal the distances of `theta(T, s)` to the minimum without it, and what is not forgotten of it. Ends with
/// a newline.
pub fn flow_table(record: &FlowRecord) -> String {
    let tables = record.removals.iter().map(|removal| {
        format!(
            "{}, distance to the minimum without it, over that of the two minima ({}):\n{}\n\
             share that is not forgotten: distance to the flow that never had it, over what it does until T:\n{}",
            removal.title(),
            short(removal.minima_apart),
            aligned(&removal.distances(), &[0]),
            aligned(&removal.left(), &[0])
        )
    });
    tables.collect::<Vec<_>>().join("\n")
}

impl RemovalFlows {
    /// What is removed, in words.
    pub(super) fn title(&self) -> String {
        match self.changes[..] {
            [(example, -1.0)] => format!("training example {example}"),
            _ => format!("group {}", self.name),
        }
    }

    /// The distance of a state relative to that of the minima; as it is where these are one.
    pub(super) fn relative(&self, distance: f64) -> f64 {
        match self.minima_apart > 0.0 {
            true => distance / self.minima_apart,
            false => distance,
        }
    }

    /// The ends, ascending.
    pub(super) fn times(&self) -> Vec<f64> {
        let states = self.switched.iter().flat_map(|it| &it.states);
        let mut times: Vec<f64> = states.map(|it| it.time).collect();
        times.sort_by(f64::total_cmp);
        times.dedup();
        times
    }

    /// The distances to the minimum without it, over that of the minima.
    pub(super) fn distances(&self) -> Vec<Vec<String>> {
        self.rows(|it| self.relative(it.distance))
    }

    /// What is left of the removed examples: the distances to the flow that never had them, over what they do until
    /// then.
    pub(super) fn left(&self) -> Vec<Vec<String>> {
        self.rows(|it| it.unseen / it.effect)
    }

    /// A row for each switch, a column for each end.
    fn rows(&self, of: impl Fn(&FlowedState) -> f64) -> Vec<Vec<String>> {
        let times = self.times();
        let head = times.iter().map(|time| format!("T = {}", short(*time)));
        let head = ["switch".to_owned()].into_iter().chain(head).collect();
        let rows = self.switched.iter().map(|it| {
            let cell = |time: &f64| {
                let state = it.states.iter().find(|state| state.time == *time);
                let number = state.map(&of).filter(|it| it.is_finite());
                number.map_or_else(String::new, short)
            };
            let name = format!("s = {}", short(it.switch));
            [name].into_iter().chain(times.iter().map(cell)).collect()
        });
        [head].into_iter().chain(rows).collect()
    }
}
