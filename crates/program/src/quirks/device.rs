//! What kind of device is at hand, which Burn tells by the name that it prints alone.

use burn::backend::{Dispatch, DispatchDevice};
use burn_backend::Backend;

/// Whether tensors are in memory and computed there at once, by burn-flex.
pub(crate) fn is_flex(device: &DispatchDevice) -> bool {
    Dispatch::name(device) == "dispatch<flex>"
}

/// Whether operations share kernels. Asked last: the device's name is put together each time.
pub(crate) fn fuses(device: &DispatchDevice) -> bool {
    Dispatch::name(device).starts_with("dispatch<fusion<")
}

/// Whether kernels are CubeCL's, as on all graphics devices.
pub(crate) fn is_cube(device: &DispatchDevice) -> bool {
    Dispatch::name(device).contains("cube")
}

/// Whether operations are computed. What is recorded, or differentiated by Burn, stays as it is.
pub(crate) fn computes(device: &DispatchDevice) -> bool {
    !matches!(
        device,
        DispatchDevice::Capture(_) | DispatchDevice::Autodiff(_)
    )
}
