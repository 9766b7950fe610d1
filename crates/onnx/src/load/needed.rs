//! Which nodes an output needs.

use std::collections::{HashMap, HashSet};

use crate::{
    error::OnnxProblem,
    file::{GraphProto, NodeProto},
};

/// The nodes, none of which reads what only gives a tensor another name.
///
/// PyTorch's older exporter stores equal initializers once, and names the others with `Identity`.
pub(super) fn without_identities(nodes: &[NodeProto]) -> Vec<NodeProto> {
    let mut names: HashMap<String, String> = HashMap::new();
    let mut kept = Vec::with_capacity(nodes.len());
    for node in nodes {
        let mut node = node.clone();
        for input in &mut node.input {
            if let Some(name) = names.get(input) {
                input.clone_from(name);
            }
        }
        if let ([input], [output]) = (&node.input[..], &node.output[..])
            && node.op_type == "Identity"
            && node.domain().is_empty()
        {
            names.insert(output.clone(), input.clone());
        }
        // An output of the graph is looked up by the other name.
        kept.push(node);
    }
    kept
}

/// What makes each tensor, by its name.
pub(super) fn makers(nodes: &[NodeProto]) -> HashMap<&str, &NodeProto> {
    let all = nodes.iter().flat_map(|node| {
        let outputs = node.output.iter().filter(|name| !name.is_empty());
        outputs.map(move |name| (name.as_str(), node))
    });
    all.collect()
}

/// The nodes that `output` is computed by, each after those that it reads.
pub(super) fn needed<'n>(
    graph: &GraphProto,
    nodes: &'n [NodeProto],
    output: &str,
) -> Result<Vec<&'n NodeProto>, OnnxProblem> {
    let mut wanted: HashSet<&str> = HashSet::from([output]);
    let mut kept = Vec::new();
    for node in nodes.iter().rev() {
        if node
            .output
            .iter()
            .any(|name| wanted.contains(name.as_str()))
        {
            let inputs = node.input.iter().map(String::as_str);
            wanted.extend(inputs.filter(|name| !name.is_empty()));
            kept.push(node);
        }
    }
    kept.reverse();
    let stored = graph.initializer.iter().map(|tensor| tensor.name.as_str());
    let inputs = graph.inputs();
    let given = inputs.iter().map(|port| port.name.as_str());
    let mut made: HashSet<&str> = stored.chain(given).collect();
    for node in &kept {
        let mut inputs = node.input.iter().filter(|name| !name.is_empty());
        if let Some(name) = inputs.find(|name| !made.contains(name.as_str())) {
            let (name, node) = (name.escape_debug(), node.title().escape_debug());
            return Err(OnnxProblem::Graph(format!(
                "nothing makes `{name}`, which node `{node}` reads"
            )));
        }
        made.extend(node.output.iter().map(String::as_str));
    }
    match made.contains(output) {
        true => Ok(kept),
        false => Err(OnnxProblem::Graph(format!(
            "nothing makes `{}`",
            output.escape_debug()
        ))),
    }
}
