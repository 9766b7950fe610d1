//! The parameters of a module, chosen by name.

use burn::tensor::Shape;
use wildmatch::WildMatch;

/// One parameter tensor of a model.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its path in the module, such as `fc1.weight`: the first, if it is tied.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Where it begins in the flat parameter vector.
    pub offset: usize,
    /// Position among the module's tensors.
    pub(crate) tensor: usize,
}

impl Parameter {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.num_elements()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `pattern` is its name or a module that it is in; `*` stands for any text and `?` for any one character.
    pub(crate) fn matches(&self, pattern: &WildMatch) -> bool {
        let ends = self.name.match_indices('.').map(|(at, _)| at);
        ends.chain([self.name.len()])
            .any(|end| pattern.matches(&self.name[..end]))
    }
}
