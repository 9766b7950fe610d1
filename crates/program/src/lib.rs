//! Functions of Burn tensors as programs: trace, differentiate, simplify, run.

mod compile;
mod differentiate;
mod error;
mod linearize;
mod program;
mod record;
mod replay;
mod simplify;
mod value;

pub use burn::backend::DispatchTensor;
pub use burn_backend::DeviceSettings;
pub use compile::Compiled;
pub use error::ProgramError;
pub use linearize::Linearized;
pub use program::Program;
pub use value::Spec;
