//! A node's settings, as its operator reads them.

use std::{cell::RefCell, collections::HashSet, path::Path};

use super::Operation;
use crate::{
    error::OnnxProblem,
    file::{AttributeValue, NodeProto},
    host::HostTensor,
};

/// What a node computes, or why it cannot be had.
pub(crate) type Parsed = Result<Operation, OnnxProblem>;

/// What a family of operators makes of a node: nothing if it is not one of them.
pub(crate) type MaybeParsed = Result<Option<Operation>, OnnxProblem>;

/// A node's settings. Each that is read is noted: a setting that no one reads would change nothing, and is refused.
pub(crate) struct NodeReader<'a> {
    node: &'a NodeProto,
    /// The version of its domain's operators.
    pub(crate) version: i64,
    /// Where files lie that hold tensors.
    folder: &'a Path,
    read: RefCell<HashSet<&'static str>>,
}

impl<'a> NodeReader<'a> {
    pub(crate) fn new(node: &'a NodeProto, version: i64, folder: &'a Path) -> Self {
        Self {
            node,
            version,
            folder,
            read: RefCell::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.node.title()
    }

    pub(crate) fn operator(&self) -> &'a str {
        &self.node.op_type
    }

    pub(crate) fn domain(&self) -> &str {
        self.node.domain()
    }

    /// The operator, with its domain if that is not ONNX's own.
    pub(crate) fn full_operator(&self) -> String {
        match self.domain() {
            "" => self.operator().into(),
            domain => format!("{domain}.{}", self.operator()),
        }
    }

    /// Number of inputs, those that are left out among them.
    pub(crate) fn inputs(&self) -> usize {
        self.node.input.len()
    }

    /// Number of outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.node.output.len()
    }

    /// Whether input `i` is given.
    pub(crate) fn has_input(&self, i: usize) -> bool {
        self.node.input.get(i).is_some_and(|name| !name.is_empty())
    }

    fn get(&self, name: &'static str) -> Option<AttributeValue<'a>> {
        self.read.borrow_mut().insert(name);
        self.node.value(name)
    }

    /// An attribute that is refused.
    pub(crate) fn refuse(&self, attribute: &str, reason: impl Into<String>) -> OnnxProblem {
        OnnxProblem::Attribute {
            node: self.name().into(),
            operator: self.full_operator(),
            attribute: attribute.into(),
            reason: reason.into(),
        }
    }

    /// A node that is refused.
    pub(crate) fn problem(&self, reason: impl Into<String>) -> OnnxProblem {
        OnnxProblem::Node {
            node: self.name().into(),
            operator: self.full_operator(),
            reason: reason.into(),
        }
    }

    pub(crate) fn int(&self, name: &'static str) -> Result<Option<i64>, OnnxProblem> {
        match self.get(name) {
            None => Ok(None),
            Some(AttributeValue::Int(value)) => Ok(Some(value)),
            Some(_) => Err(self.refuse(name, "is no whole number")),
        }
    }

    pub(crate) fn int_or(&self, name: &'static str, default: i64) -> Result<i64, OnnxProblem> {
        Ok(self.int(name)?.unwrap_or(default))
    }

    /// Whether an attribute is set; `default` if it is not there.
    pub(crate) fn flag(&self, name: &'static str, default: bool) -> Result<bool, OnnxProblem> {
        Ok(self.int_or(name, i64::from(default))? != 0)
    }

    pub(crate) fn float(&self, name: &'static str) -> Result<Option<f64>, OnnxProblem> {
        match self.get(name) {
            None => Ok(None),
            Some(AttributeValue::Float(value)) => Ok(Some(f64::from(value))),
            Some(_) => Err(self.refuse(name, "is no number")),
        }
    }

    pub(crate) fn float_or(&self, name: &'static str, default: f64) -> Result<f64, OnnxProblem> {
        Ok(self.float(name)?.unwrap_or(default))
    }

    pub(crate) fn text_or(
        &self,
        name: &'static str,
        default: &'static str,
    ) -> Result<&'a str, OnnxProblem> {
        match self.get(name) {
            None => Ok(default),
            Some(AttributeValue::Text(value)) => Ok(value),
            Some(_) => Err(self.refuse(name, "is no text")),
        }
    }

    pub(crate) fn ints(&self, name: &'static str) -> Result<Option<Vec<i64>>, OnnxProblem> {
        match self.get(name) {
            None => Ok(None),
            Some(AttributeValue::Ints(values)) => Ok(Some(values.to_vec())),
            Some(_) => Err(self.refuse(name, "is no list of whole numbers")),
        }
    }

    pub(crate) fn floats(&self, name: &'static str) -> Result<Option<Vec<f64>>, OnnxProblem> {
        match self.get(name) {
            None => Ok(None),
            Some(AttributeValue::Floats(values)) => {
                Ok(Some(values.iter().copied().map(f64::from).collect()))
            }
            Some(_) => Err(self.refuse(name, "is no list of numbers")),
        }
    }

    /// Lengths or steps, none of which is negative.
    pub(crate) fn sizes(&self, name: &'static str) -> Result<Option<Vec<usize>>, OnnxProblem> {
        let Some(values) = self.ints(name)? else {
            return Ok(None);
        };
        let sizes = values.iter().map(|&value| usize::try_from(value));
        let sizes = sizes.collect::<Result<_, _>>();
        sizes.map(Some).map_err(|_| {
            self.refuse(
                name,
                format!("is {values:?}; a negative number is not supported"),
            )
        })
    }

    pub(crate) fn tensor(&self, name: &'static str) -> Result<Option<HostTensor>, OnnxProblem> {
        match self.get(name) {
            None => Ok(None),
            Some(AttributeValue::Tensor(tensor)) => tensor.load(self.folder).map(Some),
            Some(_) => Err(self.refuse(name, "is no tensor")),
        }
    }

    /// An attribute that changes nothing here, whatever it is.
    pub(crate) fn ignore(&self, name: &'static str) {
        self.read.borrow_mut().insert(name);
    }

    /// Refuses attributes that no one has read.
    pub(crate) fn check_all_read(&self) -> Result<(), OnnxProblem> {
        let read = self.read.borrow();
        let mut all = self.node.attribute.iter();
        match all.find(|attribute| !read.contains(attribute.name.as_str())) {
            None => Ok(()),
            Some(attribute) => Err(self.refuse(&attribute.name, "is not supported")),
        }
    }
}
