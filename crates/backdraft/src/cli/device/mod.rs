//! Devices by name.

use burn::tensor::Device;
use clap::ValueEnum;

use super::{CliError, progress::say};

/// A backend to compute on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DeviceName {
    /// The CPU, in pure Rust.
    Flex,
    /// The CPU, through ndarray.
    Ndarray,
    /// A GPU, through Vulkan, Metal or DirectX.
    Wgpu,
    /// An NVIDIA GPU, through CUDA.
    Cuda,
}

impl DeviceName {
    const ALL: [Self; 4] = [Self::Flex, Self::Ndarray, Self::Wgpu, Self::Cuda];

    pub fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Ndarray => "ndarray",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
        }
    }

    /// The device, if this build and this machine have it.
    pub fn open(self) -> Result<Device, CliError> {
        let refuse = |reason: String| {
            Err(CliError::Device {
                name: self.name(),
                reason,
            })
        };
        match found(self) {
            Some(devices) => match devices.into_iter().next() {
                Some(device) => Ok(device),
                None => refuse(format!("this machine has none: {}", missing(self))),
            },
            None => refuse(format!(
                "not in this build; build it with `cargo build --release --features {}`, or use one of `backdraft devices`",
                self.name()
            )),
        }
    }
}

/// The devices of a backend; `None` if it is not in this build.
fn found(name: DeviceName) -> Option<Vec<Device>> {
    match name {
        #[cfg(feature = "flex")]
        DeviceName::Flex => Some(vec![Device::flex()]),
        // Deprecated by Burn in favour of flex; selectable because users compare with it.
        #[cfg(feature = "ndarray")]
        #[allow(deprecated)]
        DeviceName::Ndarray => Some(vec![Device::ndarray()]),
        #[cfg(feature = "wgpu")]
        DeviceName::Wgpu => Some(gpu(burn::tensor::DeviceType::Wgpu)),
        #[cfg(feature = "cuda")]
        DeviceName::Cuda => Some(gpu(burn::tensor::DeviceType::Cuda)),
        #[allow(unreachable_patterns)]
        _ => None,
    }
}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn gpu(kind: burn::tensor::DeviceType) -> Vec<Device> {
    Device::enumerate(kind).into_iter().collect()
}

/// What a machine without such a device lacks.
fn missing(name: DeviceName) -> &'static str {
    match name {
        DeviceName::Flex | DeviceName::Ndarray => "it always has a CPU",
        DeviceName::Wgpu => {
            "no graphics adapter was found; install a GPU driver, or Mesa's software one (Debian: mesa-vulkan-drivers libvulkan1)"
        }
        DeviceName::Cuda => "no CUDA device was found; install NVIDIA's driver",
    }
}

/// Prints the devices that this build and this machine can use.
pub(super) fn list() -> Result<(), CliError> {
    for name in DeviceName::ALL {
        match found(name) {
            None => say(format_args!(
                "{:8} not in this build (feature `{0}`)",
                name.name()
            )),
            Some(devices) if devices.is_empty() => {
                say(format_args!("{:8} {}", name.name(), missing(name)))
            }
            Some(devices) => {
                for device in devices {
                    say(format_args!("{:8} {device:?}", name.name()));
                }
            }
        }
    }
    Ok(())
}
