//! Which tensor is a network's output.

use crate::{
    error::{Name, OnnxProblem},
    file::{AttributeValue, GraphProto, NodeProto},
    port::{OnnxDim, OnnxElement, OnnxPort},
};

use super::needed::makers;

/// The tensor that was chosen.
pub(super) struct Chosen {
    pub(super) tensor: String,
    /// As it is declared; if it is none of the declared ones, its shape is not known.
    pub(super) port: OnnxPort,
    /// The operator after it that was left out.
    pub(super) cut: Option<String>,
}

/// The tensor called `name`; if there is none, the first output that holds numbers, as it is before a softmax or
/// sigmoid.
pub(super) fn choose(
    graph: &GraphProto,
    nodes: &[NodeProto],
    name: Option<&str>,
) -> Result<Chosen, OnnxProblem> {
    let (makers, outputs) = (makers(nodes), graph.outputs());
    if let Some(name) = name {
        if !makers.contains_key(name) {
            let outputs: Vec<_> = outputs.iter().map(|port| port.name.as_str()).collect();
            return Err(OnnxProblem::Outputs(format!(
                "no node makes a tensor called {}; the outputs are {}",
                Name(name),
                outputs.join(", ")
            )));
        }
        let port = outputs.iter().find(|port| port.name == name);
        return Ok(Chosen {
            tensor: name.into(),
            port: port.cloned().unwrap_or_else(|| unknown(name)),
            cut: None,
        });
    }
    let first = outputs.iter().find(|port| port.element.is_float());
    let (mut tensor, port) = match first {
        Some(port) => (port.name.clone(), port.clone()),
        // Probabilities as a list of dictionaries, as scikit-learn's classifiers return them.
        None => {
            let listed = outputs
                .iter()
                .filter_map(|port| makers.get(port.name.as_str()));
            let zip = listed.into_iter().find(|node| node.op_type == "ZipMap");
            let inner = zip.and_then(|node| node.input.first());
            let inner = inner.ok_or_else(|| {
                OnnxProblem::Outputs("none of its outputs holds floating-point numbers".into())
            })?;
            (inner.clone(), unknown(inner))
        }
    };
    while let Some(node) = makers.get(tensor.as_str())
        && node.op_type == "Identity"
        && let Some(input) = node.input.first()
    {
        tensor.clone_from(input);
    }
    let Some((before, operator)) = before_probabilities(&makers, &tensor) else {
        return Ok(Chosen {
            tensor,
            port,
            cut: None,
        });
    };
    let same_shape = operator != TWO_CLASSES;
    Ok(Chosen {
        port: match same_shape {
            true => port,
            false => unknown(&before),
        },
        tensor: before,
        cut: Some(operator.into()),
    })
}

/// How the pair of probabilities of two classes is called.
const TWO_CLASSES: &str = "Sigmoid, Sub, Concat";

/// What stands before the softmax or sigmoid that makes `tensor`, and which it is.
fn before_probabilities(
    makers: &std::collections::HashMap<&str, &NodeProto>,
    tensor: &str,
) -> Option<(String, &'static str)> {
    let node = makers.get(tensor)?;
    let input = |node: &NodeProto, i: usize| node.input.get(i).cloned();
    match node.op_type.as_str() {
        "Softmax" => Some((input(node, 0)?, "Softmax")),
        "LogSoftmax" => Some((input(node, 0)?, "LogSoftmax")),
        "Sigmoid" => Some((input(node, 0)?, "Sigmoid")),
        // 1 - p and p, side by side, as scikit-learn has them.
        "Concat" if node.input.len() == 2 => {
            let (less, p) = (makers.get(node.input[0].as_str())?, &node.input[1]);
            let sigmoid = makers.get(p.as_str())?;
            let pair = less.op_type == "Sub"
                && less.input.get(1) == Some(p)
                && sigmoid.op_type == "Sigmoid"
                && matches!(node.value("axis"), Some(AttributeValue::Int(1 | -1)));
            Some((pair.then(|| input(sigmoid, 0)).flatten()?, TWO_CLASSES))
        }
        _ => None,
    }
}

fn unknown(name: &str) -> OnnxPort {
    OnnxPort {
        name: name.into(),
        element: OnnxElement::F32,
        shape: Vec::<OnnxDim>::new(),
    }
}
