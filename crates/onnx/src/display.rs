//! How a network is printed: its file, what it reads and returns, and its tensors.

use burn::module::{Content, Module, ModuleDisplay, ModuleDisplayDefault};

use crate::OnnxModel;

impl ModuleDisplayDefault for OnnxModel {
    fn content(&self, content: Content) -> Option<Content> {
        let inputs = self.inputs().iter().map(ToString::to_string);
        let content = content
            .set_top_level_type("OnnxModel")
            .add_debug_attribute("file", &self.path())
            .add_debug_attribute("reads", &inputs.collect::<Vec<_>>().join(", "))
            .add_debug_attribute("returns", &self.output().to_string());
        let tensors = self.tensors();
        let add = |content: Content, it: &crate::OnnxParameter| {
            content.add_debug_attribute(&it.name, &it.shape)
        };
        tensors.iter().fold(content, add).optional()
    }

    fn num_params(&self) -> usize {
        Module::num_params(self)
    }
}

impl ModuleDisplay for OnnxModel {}
