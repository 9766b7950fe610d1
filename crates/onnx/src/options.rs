//! What may be said about a file besides where it is.

/// What may be said about an ONNX file besides where it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnnxOptions {
    /// The tensor that is the network's output: any of the graph, by its name, taken as it is. If there is none, it is
    /// the first of the graph's outputs that holds numbers, without a softmax or sigmoid at its end.
    pub output: Option<String>,
    /// Patterns of names: float initializers that are parameters although they would be taken for constants, such as
    /// the running statistics of batch norm. `*` stands for any text and `?` for any one character.
    pub parameters: Vec<String>,
    /// Patterns of names: float initializers that are constants although they would be taken for parameters, such as a
    /// table of positions that is not trained.
    pub constants: Vec<String>,
}
