//! Which nodes an output needs.

use std::collections::{HashMap, HashSet};

use crate::{
    error::OnnxProblem,
    file::{GraphMessage, Node},
};

/// The nodes, none of which reads what only gives a tensor another name.
///
/// PyTorch's older exporter stores equal initializers once, and names the others with `Identity`.
pub(super) fn without_identities<'a>(nodes: &[Node<'a>]) -> Vec<Node<'a>> {
    let mut names: HashMap<String, String> = HashMap::new();
    let mut kept = Vec::with_capacity(nodes.len());
    for node in nodes {
        let mut node = node.clone();
        for input in &mut node.inputs {
            if let Some(name) = names.get(input) {
                input.clone_from(name);
            }
        }
        if let ([input], [output]) = (&node.inputs[..], &node.outputs[..])
            && node.operator == "Identity"
            && node.domain.is_empty()
        {
            names.insert(output.clone(), input.clone());
        }
        // An output of the graph is looked up by the other name.
        kept.push(node);
    }
    kept
}

/// What makes each tensor, by its name.
pub(super) fn makers<'n, 'a>(nodes: &'n [Node<'a>]) -> HashMap<&'n str, &'n Node<'a>> {
    let all = nodes.iter().flat_map(|node| {
        let outputs = node.outputs.iter().filter(|name| !name.is_empty());
        outputs.map(move |name| (name.as_str(), node))
    });
    all.collect()
}

/// The nodes that `output` is computed by, each after those that it reads.
pub(super) fn needed<'n, 'a>(
    graph: &GraphMessage<'_>,
    nodes: &'n [Node<'a>],
    output: &str,
) -> Result<Vec<&'n Node<'a>>, OnnxProblem> {
    let mut wanted: HashSet<&str> = HashSet::from([output]);
    let mut kept = Vec::new();
    for node in nodes.iter().rev() {
        if node
            .outputs
            .iter()
            .any(|name| wanted.contains(name.as_str()))
        {
            let inputs = node.inputs.iter().map(String::as_str);
            wanted.extend(inputs.filter(|name| !name.is_empty()));
            kept.push(node);
        }
    }
    kept.reverse();
    let stored = graph.initializers.iter().map(|tensor| tensor.name.as_str());
    let given = graph.inputs.iter().map(|port| port.name.as_str());
    let mut made: HashSet<&str> = stored.chain(given).collect();
    for node in &kept {
        let mut inputs = node.inputs.iter().filter(|name| !name.is_empty());
        if let Some(name) = inputs.find(|name| !made.contains(name.as_str())) {
            let (name, node) = (name.escape_debug(), node.name.escape_debug());
            return Err(OnnxProblem::Graph(format!(
                "nothing makes `{name}`, which node `{node}` reads"
            )));
        }
        made.extend(node.outputs.iter().map(String::as_str));
    }
    match made.contains(output) {
        true => Ok(kept),
        false => Err(OnnxProblem::Graph(format!(
            "nothing makes `{}`",
            output.escape_debug()
        ))),
    }
}
