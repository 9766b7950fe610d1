//! Gradient flow, followed in time.

mod dormand_prince;
mod error;
mod gradient_flow;
mod states;
mod step_size;
mod walk;

pub use error::FlowError;
pub use gradient_flow::{GradientFlow, GradientFlowConfig};
pub use states::{FlowPath, FlowState};
