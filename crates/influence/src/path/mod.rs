//! Paths through the parameters: of gradient flow in time, and from one weight of examples to another.

mod flow;
pub mod response;

pub use flow::{FlowError, FlowPath, FlowState, GradientFlow, GradientFlowConfig};
pub use response::{
    FollowedPath, Landing, Landings, NextPoint, PathConfig, PathEnd, PathError, PathPoint,
    PointFacts, Projection, ResponsePath, Straightness, TangentGap,
};
