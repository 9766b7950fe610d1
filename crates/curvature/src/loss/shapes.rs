//! Which targets belong to which outputs.

use burn::tensor::Shape;

/// One target an output.
pub(super) fn elementwise(outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
    let batch = outputs[0];
    let expected = Shape::new([batch, outputs.num_elements() / batch.max(1)]);
    match targets {
        [targets] if *targets == expected => Ok(()),
        _ => Err(format!(
            "this loss compares them one by one, with targets {expected}"
        )),
    }
}

/// One class an example.
pub(super) fn classes(outputs: &Shape) -> Result<(), String> {
    let batch = outputs[0];
    let wide = outputs.iter().skip(1).filter(|&&size| size > 1).count();
    match wide {
        1 => Ok(()),
        0 => Err(format!(
            "softmax cross-entropy of a single output is 0 whatever it is; use binary cross-entropy with targets [{batch}, 1], or \
             return one output a class"
        )),
        _ => Err(format!(
            "softmax cross-entropy takes one class an example and outputs [{batch}, classes]; for a class a token use \
             `TokenCrossEntropy`"
        )),
    }
}

/// One class a token.
pub(super) fn tokens(outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
    let (batch, tokens) = (outputs[0], targets[0][1]);
    let last = outputs[outputs.num_dims() - 1];
    let classes = match outputs.num_dims() {
        _ if tokens == 0 => None,
        // As one row.
        2 => last.is_multiple_of(tokens).then_some(last / tokens),
        _ => {
            let found = outputs.num_elements() / (batch * last).max(1);
            (found == tokens).then_some(last)
        }
    };
    match classes {
        Some(0 | 1) => Err(format!(
            "they are {tokens} tokens of one class each, and softmax cross-entropy of one class is 0; return one output a class, \
             [{batch}, {tokens}, classes]"
        )),
        Some(_) => Ok(()),
        None => Err(format!(
            "cross-entropy of tokens takes targets [{batch}, tokens] and outputs [{batch}, tokens, classes], of as many tokens"
        )),
    }
}
