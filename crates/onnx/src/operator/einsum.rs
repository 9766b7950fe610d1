//! Sums of products by the labels of axes.

use std::collections::BTreeMap;

use burn::backend::{Dispatch, DispatchTensor, ops::*};

use super::{
    NodeReader, Operation,
    layout::permute,
    linear::matmul,
    node::{MaybeParsed, Parsed},
};
use crate::value::{Value, dims, reshape};

/// Labels of a tensor's axes.
type Labels = Vec<char>;

/// A tensor, and what its axes are called.
struct Labelled {
    tensor: DispatchTensor,
    labels: Labels,
}

/// What stands for the axes of an ellipsis, the last first.
const ELLIPSIS: std::ops::Range<u32> = 0xE000..0xE010;

pub(super) fn parse(node: &NodeReader<'_>) -> MaybeParsed {
    match node.operator() {
        "Einsum" => einsum(node).map(Some),
        _ => Ok(None),
    }
}

fn einsum(node: &NodeReader<'_>) -> Parsed {
    let equation: String = node.text_or("equation", "")?.split_whitespace().collect();
    let (inputs, output) = match equation.split_once("->") {
        Some((inputs, output)) => (inputs, Some(output.to_owned())),
        None => (&equation[..], None),
    };
    let inputs: Vec<String> = inputs.split(',').map(str::to_owned).collect();
    for term in inputs.iter().chain(&output) {
        let labels: Labels = term.replacen("...", "", 1).chars().collect();
        let once = |label: &char| labels.iter().filter(|it| *it == label).count() == 1;
        if !labels
            .iter()
            .all(|label| label.is_ascii_alphabetic() && once(label))
        {
            let text =
                format!("is `{equation}`: the axes `{term}` of a tensor must be different letters");
            return Err(node.refuse("equation", text));
        }
    }
    if inputs.len() != node.inputs() {
        let text = format!("is `{equation}`, for {} inputs", node.inputs());
        return Err(node.refuse("equation", text));
    }
    Ok(Operation::new(move |x| {
        let terms = inputs.iter().enumerate().map(|(i, term)| {
            let tensor = x.float(i)?;
            let labels = labels_of(term, dims(&tensor).len())?;
            Ok(Labelled { tensor, labels })
        });
        let terms: Vec<_> = terms.collect::<Result<_, String>>()?;
        let wanted = match &output {
            Some(output) => {
                let open = terms.iter().map(|term| ellipsis(&term.labels)).max();
                let open = open.filter(|_| output.contains("...")).unwrap_or(0);
                labels_of(output, output.replacen("...", "", 1).len() + open)?
            }
            None => implied(&terms),
        };
        contract(terms, &wanted).map(Value::Device)
    }))
}

/// The labels of a tensor with `rank` axes; those of an ellipsis are counted from its end.
fn labels_of(term: &str, rank: usize) -> Result<Labels, String> {
    let wrong = || format!("its axes `{term}` are not those of a tensor with {rank}");
    let Some((before, after)) = term.split_once("...") else {
        let labels: Labels = term.chars().collect();
        return Some(labels)
            .filter(|labels| labels.len() == rank)
            .ok_or_else(wrong);
    };
    let open = rank.checked_sub(before.len() + after.len());
    let open = open
        .filter(|&open| open <= ELLIPSIS.len())
        .ok_or_else(wrong)?;
    let names: Labels = ELLIPSIS.take(open).filter_map(char::from_u32).collect();
    let names = names.into_iter().rev();
    Ok(before.chars().chain(names).chain(after.chars()).collect())
}

/// Whether an axis is one of an ellipsis.
fn is_open(label: char) -> bool {
    ELLIPSIS.contains(&u32::from(label))
}

/// Number of axes of an ellipsis.
fn ellipsis(labels: &[char]) -> usize {
    labels.iter().filter(|&&label| is_open(label)).count()
}

/// Without an output in the equation: the ellipsis, then the letters that stand once, by the alphabet.
fn implied(terms: &[Labelled]) -> Labels {
    let mut counts: BTreeMap<char, usize> = BTreeMap::new();
    let all = terms.iter().flat_map(|term| &term.labels);
    all.for_each(|&label| *counts.entry(label).or_default() += 1);
    let (open, letters): (Labels, Labels) = counts.keys().partition(|&&label| is_open(label));
    let letters = letters.into_iter().filter(|label| counts[label] == 1);
    open.into_iter().rev().chain(letters).collect()
}

/// One tensor after the other.
fn contract(terms: Vec<Labelled>, wanted: &[char]) -> Result<DispatchTensor, String> {
    let mut rest = terms.into_iter();
    let mut found = rest.next().ok_or("it has no inputs")?;
    while let Some(next) = rest.next() {
        let later = rest.as_slice().iter().flat_map(|term| &term.labels);
        let needed: Labels = wanted.iter().chain(later).copied().collect();
        found = product(found, next, &needed)?;
    }
    let found = found.summed(wanted);
    if let Some(missing) = wanted.iter().find(|label| !found.labels.contains(label)) {
        return Err(format!(
            "its output has an axis `{missing}`, which no input has"
        ));
    }
    Ok(found.ordered(&[wanted]))
}

impl Labelled {
    /// Without the axes that are not needed, along which it is summed.
    fn summed(self, needed: &[char]) -> Self {
        let (mut shape, mut labels) = (Vec::new(), Labels::new());
        let mut tensor = self.tensor;
        for ((axis, label), length) in self.labels.into_iter().enumerate().zip(dims(&tensor)) {
            match needed.contains(&label) {
                true => {
                    shape.push(length);
                    labels.push(label);
                }
                false => tensor = Dispatch::float_sum_dim(tensor, axis),
            }
        }
        let tensor = reshape(tensor, &shape);
        Self { tensor, labels }
    }

    /// With its axes in the order of `groups`, which have all of them.
    fn ordered(self, groups: &[&[char]]) -> DispatchTensor {
        let order = groups.iter().copied().flatten();
        let places = order.filter_map(|label| self.labels.iter().position(|it| it == label));
        permute(self.tensor, &places.collect::<Vec<_>>())
    }
}

/// The length of each axis of two tensors.
fn lengths(a: &Labelled, b: &Labelled) -> Result<BTreeMap<char, usize>, String> {
    let mut lengths = BTreeMap::new();
    for term in [a, b] {
        for (&label, length) in term.labels.iter().zip(dims(&term.tensor)) {
            if *lengths.entry(label).or_insert(length) != length {
                let (a, b) = (dims(&a.tensor), dims(&b.tensor));
                return Err(format!("shapes {a:?} and {b:?} do not fit each other"));
            }
        }
    }
    Ok(lengths)
}

/// The product of two tensors, summed along the axes that are in both and not needed.
fn product(a: Labelled, b: Labelled, needed: &[char]) -> Result<Labelled, String> {
    // The batch, which comes first, stands in the rows.
    let leads = |term: &Labelled| needed.first().is_some_and(|it| term.labels.contains(it));
    let (a, b) = match leads(&b) && !leads(&a) {
        true => (b, a),
        false => (a, b),
    };
    let a = a.summed(&[needed, &b.labels].concat());
    let b = b.summed(&[needed, &a.labels].concat());
    let lengths = lengths(&a, &b)?;
    let (both, rows): (Labels, Labels) =
        a.labels.iter().partition(|label| b.labels.contains(label));
    let (batch, inner): (Labels, Labels) =
        both.into_iter().partition(|label| needed.contains(label));
    let columns = b.labels.iter().filter(|label| !a.labels.contains(label));
    let columns: Labels = columns.copied().collect();
    let shape = |labels: &[char]| -> Vec<usize> { labels.iter().map(|it| lengths[it]).collect() };
    let size = |labels: &[char]| shape(labels).iter().product::<usize>();
    // Rows stay axes of their own: a layer is one to the engine whatever the axes before.
    let rows_shape = match rows.is_empty() || !batch.is_empty() {
        true => vec![size(&rows)],
        false => shape(&rows),
    };
    let left = [&shape(&batch)[..], &rows_shape, &[size(&inner)]].concat();
    let right = [&shape(&batch)[..], &[size(&inner), size(&columns)]].concat();
    let a = reshape(a.ordered(&[&batch, &rows, &inner]), &left);
    let b = reshape(b.ordered(&[&batch, &inner, &columns]), &right);
    let labels: Labels = [batch, rows, columns].concat();
    let tensor = reshape(matmul(a, b)?, &shape(&labels));
    Ok(Labelled { tensor, labels })
}
