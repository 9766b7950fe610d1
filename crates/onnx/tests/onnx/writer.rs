//! Writes small ONNX files: a graph of floats, as much of the format as tests need.

use std::path::{Path, PathBuf};

/// A graph that is being written.
#[derive(Default)]
pub struct Writer {
    graph: Vec<u8>,
    version: u64,
}

/// A node that is being written.
pub struct NodeWriter {
    node: Vec<u8>,
    /// Whether attributes say what they are.
    typed: bool,
}

pub fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn number(field: u64, value: u64, out: &mut Vec<u8>) {
    varint(field << 3, out);
    varint(value, out);
}

fn bytes(field: u64, value: &[u8], out: &mut Vec<u8>) {
    varint(field << 3 | 2, out);
    varint(value.len() as u64, out);
    out.extend(value);
}

/// The field of a tensor's message that holds numbers as they are in memory.
pub const RAW: u64 = 9;

fn port(name: &str, shape: &[usize]) -> Vec<u8> {
    let (mut dims, mut kind, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for &length in shape {
        let mut dim = Vec::new();
        match length {
            0 => bytes(2, b"batch", &mut dim),
            length => number(1, length as u64, &mut dim),
        }
        bytes(1, &dim, &mut dims);
    }
    number(1, 11, &mut kind);
    bytes(2, &dims, &mut kind);
    let mut tensor = Vec::new();
    bytes(1, &kind, &mut tensor);
    bytes(1, name.as_bytes(), &mut whole);
    bytes(2, &tensor, &mut whole);
    whole
}

impl Writer {
    /// From `x` of `input` to `y` of any shape, in f64; 0 is a free axis, and `usize::MAX` one of length -1.
    pub fn new(version: u64, input: &[usize]) -> Self {
        let mut writer = Self {
            graph: Vec::new(),
            version,
        };
        bytes(11, &port("x", input), &mut writer.graph);
        bytes(12, &port("y", &[]), &mut writer.graph);
        writer
    }

    pub fn floats(self, name: &str, shape: &[usize], values: &[f64]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.stored(name, shape, 11, (RAW, &raw))
    }

    pub fn ints(self, name: &str, shape: &[usize], values: &[i64]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|n| n.to_le_bytes()).collect();
        self.stored(name, shape, 7, (RAW, &raw))
    }

    /// A tensor of any type, whose numbers are the bytes of a field.
    pub fn stored(
        mut self,
        name: &str,
        shape: &[usize],
        data_type: u64,
        (field, numbers): (u64, &[u8]),
    ) -> Self {
        let mut tensor = Vec::new();
        shape
            .iter()
            .for_each(|&length| number(1, length as u64, &mut tensor));
        number(2, data_type, &mut tensor);
        bytes(8, name.as_bytes(), &mut tensor);
        bytes(field, numbers, &mut tensor);
        bytes(5, &tensor, &mut self.graph);
        self
    }

    /// A tensor of which only what is not 0 is kept.
    pub fn sparse(mut self) -> Self {
        bytes(15, &[], &mut self.graph);
        self
    }

    /// A tensor that is kept in another file.
    pub fn elsewhere(self, name: &str, shape: &[usize], file: &str) -> Self {
        let mut entry = Vec::new();
        bytes(1, b"location", &mut entry);
        bytes(2, file.as_bytes(), &mut entry);
        self.stored(name, shape, 11, (13, &entry))
    }

    pub fn node(self, operator: &str, inputs: &[&str], outputs: &[&str]) -> Self {
        self.with(NodeWriter::new(operator, inputs, outputs))
    }

    pub fn with(mut self, node: NodeWriter) -> Self {
        bytes(1, &node.node, &mut self.graph);
        self
    }

    /// The file's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let (mut model, mut version) = (Vec::new(), Vec::new());
        number(1, 8, &mut model);
        bytes(7, &self.graph, &mut model);
        number(2, self.version, &mut version);
        bytes(8, &version, &mut model);
        model
    }

    /// Writes it into a folder.
    pub fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join("network.onnx");
        std::fs::write(&path, self.bytes()).unwrap();
        path
    }
}

impl NodeWriter {
    pub fn new(operator: &str, inputs: &[&str], outputs: &[&str]) -> Self {
        let mut node = Vec::new();
        inputs
            .iter()
            .for_each(|name| bytes(1, name.as_bytes(), &mut node));
        outputs
            .iter()
            .for_each(|name| bytes(2, name.as_bytes(), &mut node));
        bytes(3, format!("node of {}", outputs[0]).as_bytes(), &mut node);
        bytes(4, operator.as_bytes(), &mut node);
        Self { node, typed: true }
    }

    /// As old files are: the attributes that follow do not say what they are.
    pub fn untyped(self) -> Self {
        let typed = false;
        Self { typed, ..self }
    }

    pub fn domain(mut self, domain: &str) -> Self {
        bytes(7, domain.as_bytes(), &mut self.node);
        self
    }

    fn attribute(mut self, name: &str, kind: u64, value: impl Fn(&mut Vec<u8>)) -> Self {
        let mut attribute = Vec::new();
        bytes(1, name.as_bytes(), &mut attribute);
        value(&mut attribute);
        if self.typed {
            number(20, kind, &mut attribute);
        }
        bytes(5, &attribute, &mut self.node);
        self
    }

    pub fn int(self, name: &str, value: i64) -> Self {
        self.attribute(name, 2, |out| number(3, value as u64, out))
    }

    pub fn ints(self, name: &str, values: &[i64]) -> Self {
        self.attribute(name, 7, |out| {
            values.iter().for_each(|&n| number(8, n as u64, out))
        })
    }

    pub fn float(self, name: &str, value: f32) -> Self {
        self.attribute(name, 1, |out| {
            varint(2 << 3 | 5, out);
            out.extend(value.to_le_bytes());
        })
    }

    pub fn text(self, name: &str, value: &str) -> Self {
        self.attribute(name, 3, |out| bytes(4, value.as_bytes(), out))
    }
}
