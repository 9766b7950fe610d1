//! Networks from ONNX files: against PyTorch and scikit-learn, by operators, and where a file is wrong.

mod common;
mod einsum;
mod failures;
mod files;
mod operators;
mod originals;
mod parameters;
mod stored;
mod training;
mod writer;
