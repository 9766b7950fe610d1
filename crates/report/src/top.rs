//! `top.csv`: the strongest scores of each query.

use super::scores::Strongest;
use super::{ExampleInfo, Float, OutputError, PlaceColumns, ScoreRecord, Scored};

impl ScoreRecord {
    /// For each query, or for their `mean`, up to `k` helpful and up to `k` harmful examples (of what is no loss, those
    /// that raise it and those that lower it: [`PairKind`](backdraft_attribution::verify::PairKind)), the strongest
    /// first, as `query,rank,kind,train,label,score` and where the training example and the query stand:
    /// `file,line,query_file,query_line` (or `index`, `record`, `row`, as [`At`](super::At) counts; left out if each
    /// example has a file, and those of the query for a mean; `id` and `query_id` if the source names examples), and
    /// where bounds are known `bound`: how far the score can be from that of the exact solution; of a score that is
    /// sampled its `standard_error`; and where there are Newton estimates `newton`, the change that it predicts, and
    /// the example's `leverage` (empty for examples without one); of a linear model the leverage and `leave_one_out`,
    /// the exact change, or `one_step`, that after a Newton step without the example. Ranks count from 1 within a kind;
    /// scores are in the unit that `run.json` names.
    ///
    /// # Errors
    /// [`OutputError::Length`] if there are not as many labels or places as examples.
    pub fn to_csv(&self, examples: &ExampleInfo, k: usize) -> Result<Vec<u8>, OutputError> {
        examples.check(self.train())?;
        let labels = &examples.labels;
        let refused = |reason: String| OutputError::encode(Self::TOP_FILE, reason);
        let mut table = csv::Writer::from_writer(Vec::new());
        let mut head = ["query", "rank", "kind", "train", "label", "score"]
            .map(String::from)
            .to_vec();
        let asked = (0..self.rows()).filter_map(|row| self.query(row));
        let asked = asked.map(|query| examples.query(query));
        let asked = asked.collect::<Result<Vec<_>, _>>()?;
        let stands = PlaceColumns::of(&examples.train);
        head.extend(stands.head().map(String::from));
        let query_stands = PlaceColumns::of(asked.iter().copied());
        let query_head = asked.first().map(|_| query_stands.head());
        head.extend(
            query_head
                .into_iter()
                .flatten()
                .map(|it| format!("query_{it}")),
        );
        head.extend(self.newton().map(|_| "newton".into()));
        if self.newton().is_some() || self.closed_form().is_some() {
            head.push("leverage".into());
        }
        head.extend(self.closed_form().map(|it| it.column().into()));
        head.extend(self.bounds(0).map(|_| "bound".into()));
        let sampled = self.standard_errors(0);
        head.extend(sampled.map(|_| "standard_error".into()));
        let mut write = |record: &[String]| {
            let done = table.write_record(record);
            done.map_err(|error| refused(error.to_string()))
        };
        write(&head)?;
        for row in 0..self.rows() {
            let query = self.query(row);
            let Strongest { positive, negative } = self.strongest(row, k);
            for (kind, side) in examples.measure.sides(positive, negative) {
                for (rank, Scored { train, score }) in (1..).zip(side) {
                    let label = labels.get(train).map(|it| labels.exact(it));
                    let mut record: Vec<String> = vec![
                        query_cell(query),
                        rank.to_string(),
                        kind.name().into(),
                        train.to_string(),
                        label.unwrap_or_default(),
                        match self.float() {
                            Float::F32 => format!("{:?}", score as f32),
                            Float::F64 => format!("{score:?}"),
                        },
                    ];
                    record.extend(stands.cells(&examples.train[train]));
                    let place = asked.get(row);
                    record.extend(place.into_iter().flat_map(|it| query_stands.cells(it)));
                    record.extend(self.beside(row, train));
                    let bound = self.bounds(row).map(|bounds| bounds[train]);
                    record.extend(bound.map(|bound| format!("{bound:.3e}")));
                    let error = self.standard_errors(row).map(|errors| errors[train]);
                    record.extend(error.map(|error| format!("{error:.3e}")));
                    write(&record)?;
                }
            }
        }
        table
            .into_inner()
            .map_err(|error| refused(error.to_string()))
    }
}

/// A query as tables have it: its index, or `mean`.
pub(super) fn query_cell(query: Option<usize>) -> String {
    query.map_or_else(|| "mean".into(), |query| query.to_string())
}

impl ScoreRecord {
    /// What stands beside a score: the Newton estimate, the leverage, and what is known in closed form.
    fn beside(&self, row: usize, train: usize) -> Vec<String> {
        let cell = |value: Option<f64>| value.map_or_else(String::new, |it| format!("{it:?}"));
        let (newton, closed) = (self.newton(), self.closed_form());
        let estimate = newton.and_then(|it| it.get(row, train));
        let leverage = closed.and_then(|it| it.leverage.get(train).copied());
        let leverage = leverage.or(estimate.map(|it| it.1));
        let mut cells = Vec::new();
        cells.extend(newton.map(|_| cell(estimate.map(|it| it.0))));
        if newton.is_some() || closed.is_some() {
            cells.push(cell(leverage));
        }
        cells.extend(closed.map(|it| cell(it.change(row, train))));
        cells
    }
}
