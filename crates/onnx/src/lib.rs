//! Networks from ONNX files, as Burn modules.
