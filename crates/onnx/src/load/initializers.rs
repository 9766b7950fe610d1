//! Which of a file's stored tensors are parameters.

use std::collections::HashMap;

use burn::tensor::FloatDType;
use wildmatch::WildMatch;

use crate::{
    error::OnnxProblem,
    file::{GraphProto, NodeProto, TensorProto},
    host::HostData,
    options::OnnxOptions,
    port::OnnxElement,
};

use super::{float_of, needed::makers};

/// What a stored tensor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Read by no node that is needed.
    Unused,
    /// A constant that the graph computes with.
    Constant,
    /// A constant that is kept with the parameters: running statistics, or a table that is not trained.
    Kept,
    /// A parameter; `fixed` if it is a constant too, in another place.
    Parameter { fixed: bool },
}

/// A node that reads a tensor.
pub(super) struct Use<'n> {
    pub(super) node: &'n NodeProto,
    pub(super) position: usize,
    /// Whether it must be a constant there.
    pub(super) constant: bool,
    /// Whether it is a parameter there even if it is a single number.
    pub(super) weight: bool,
}

/// Numbers at least as large are a mask: added to what softmax is not to see.
const MASK: f64 = 1e30;

/// What each initializer is, in their order.
///
/// Floats are parameters, but for running statistics and other inputs that are constants by their place; masks, which
/// hold infinite or very large numbers; and single numbers, which exporters take out of the code: these are parameters
/// only as weights, scales and biases of layers.
pub(super) fn roles(
    graph: &GraphProto,
    nodes: &[NodeProto],
    uses: &HashMap<&str, Vec<Use<'_>>>,
    options: &OnnxOptions,
) -> Result<Vec<Role>, OnnxProblem> {
    let parameters = Patterns::new(&options.parameters);
    let constants = Patterns::new(&options.constants);
    let makers = makers(nodes);
    let mut roles = Vec::with_capacity(graph.initializer.len());
    for tensor in &graph.initializer {
        let Some(uses) = uses.get(tensor.name.as_str()) else {
            roles.push(Role::Unused);
            continue;
        };
        if !tensor.element().is_float() {
            roles.push(Role::Constant);
            continue;
        }
        let fixed = uses.iter().any(|it| it.constant);
        let named = (
            parameters.match_one(&tensor.name),
            constants.match_one(&tensor.name),
        );
        roles.push(match named {
            (_, true) => Role::Kept,
            (true, _) => Role::Parameter { fixed: false },
            _ if uses.iter().all(|it| it.constant) => match statistics(uses) {
                true => Role::Kept,
                false => Role::Constant,
            },
            _ if single(tensor) && !uses.iter().any(|it| it.weight || is_bias(it, &makers)) => {
                Role::Constant
            }
            _ if is_mask(tensor) => Role::Constant,
            _ => Role::Parameter { fixed },
        });
    }
    parameters.check(graph, "parameters")?;
    constants.check(graph, "constants")?;
    match roles.iter().any(|role| matches!(role, Role::Parameter { .. })) {
        true => Ok(roles),
        false => Err(OnnxProblem::Parameters(
            "it has no parameters: none of its initializers that the output depends on is a float tensor; export it \
             with its weights as initializers"
                .into(),
        )),
    }
}

/// Whether all are running statistics of batch norm.
fn statistics(uses: &[Use<'_>]) -> bool {
    uses.iter()
        .all(|it| it.node.op_type == "BatchNormalization")
}

fn single(tensor: &TensorProto) -> bool {
    tensor.dims.iter().product::<i64>() == 1
}

/// Whether it is added to what a layer computes.
fn is_bias(it: &Use<'_>, makers: &HashMap<&str, &NodeProto>) -> bool {
    it.node.op_type == "Add"
        && it.node.input.len() == 2
        && makers
            .get(it.node.input[1 - it.position].as_str())
            .is_some_and(|node| {
                matches!(
                    node.op_type.as_str(),
                    "MatMul" | "Gemm" | "Conv" | "ConvTranspose"
                )
            })
}

/// Whether it holds an infinite or very large number. A tensor in a file of its own is none.
fn is_mask(tensor: &TensorProto) -> bool {
    match tensor.load_inside() {
        Some(HostData::Float(numbers)) => numbers.iter().any(|x| x.is_infinite() || x.abs() > MASK),
        _ => false,
    }
}

/// What floats are computed in: the widest of the parameters.
pub(super) fn float_type(graph: &GraphProto, roles: &[Role]) -> FloatDType {
    let all = graph.initializer.iter().zip(roles);
    let mut parameters = all.filter(|(_, role)| matches!(role, Role::Parameter { .. }));
    match parameters.any(|(tensor, _)| tensor.element() == OnnxElement::F64) {
        true => float_of(OnnxElement::F64),
        false => float_of(OnnxElement::F32),
    }
}

/// Patterns of names, all of which must match something.
struct Patterns<'a>(Vec<(&'a str, WildMatch)>);

impl<'a> Patterns<'a> {
    fn new(patterns: &'a [String]) -> Self {
        let parsed = patterns.iter().map(|it| (it.as_str(), WildMatch::new(it)));
        Self(parsed.collect())
    }

    fn match_one(&self, name: &str) -> bool {
        self.0.iter().any(|(_, pattern)| pattern.matches(name))
    }

    fn check(&self, graph: &GraphProto, what: &str) -> Result<(), OnnxProblem> {
        let floats = graph
            .initializer
            .iter()
            .filter(|it| it.element().is_float());
        let names: Vec<_> = floats.map(|it| it.name.as_str()).collect();
        let unmatched =
            |(_, pattern): &&(&str, WildMatch)| !names.iter().any(|it| pattern.matches(it));
        match self.0.iter().find(unmatched) {
            None => Ok(()),
            Some((text, _)) => Err(OnnxProblem::Parameters(format!(
                "no float initializer matches `{text}`, which was given for {what}: there are {}",
                names.join(", ")
            ))),
        }
    }
}
