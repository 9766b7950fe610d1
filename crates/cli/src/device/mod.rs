//! Devices by name.

mod compare;
mod missing;

use burn::tensor::Device;
use clap::ValueEnum;

use super::{CliError, progress::say};

pub(super) use compare::{Compare, compare};

/// A backend to compute on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DeviceName {
    /// The fastest of those below that is there: a graphics card before the CPU, CUDA before wgpu, flex before ndarray.
    Auto,
    /// The CPU, in pure Rust.
    Flex,
    /// The CPU, through ndarray.
    Ndarray,
    /// A GPU, through Vulkan, Metal or DirectX.
    Wgpu,
    /// An NVIDIA GPU, through CUDA.
    Cuda,
}

/// A device that was opened.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    /// The device itself.
    pub device: Device,
    /// The name of its backend.
    pub name: &'static str,
}

impl Opened {
    /// Whether the machine's own processor and memory compute.
    pub fn is_processor(&self) -> bool {
        [DeviceName::Flex, DeviceName::Ndarray]
            .iter()
            .any(|it| it.name() == self.name)
    }
}

impl DeviceName {
    const BACKENDS: [Self; 4] = [Self::Flex, Self::Ndarray, Self::Wgpu, Self::Cuda];

    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Flex => "flex",
            Self::Ndarray => "ndarray",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
        }
    }

    /// The device, if this build and this machine have it.
    pub fn open(self) -> Result<Opened, CliError> {
        let refuse = |reason: String| CliError::Device {
            name: self.name(),
            reason,
        };
        let opened = |name: Self, device| Opened {
            device,
            name: name.name(),
        };
        if self == Self::Auto {
            return fastest()
                .map(|(name, device)| opened(name, device))
                .ok_or_else(|| refuse("this build has no backend: build it with one".to_owned()));
        }
        let Some(devices) = found(self) else {
            return Err(refuse(format!(
                "not in this build; build it with `cargo build --release --features {}`, or use one of `backdraft devices`",
                self.name()
            )));
        };
        match devices.into_iter().next() {
            Some(device) => Ok(opened(self, device)),
            None => Err(refuse(format!(
                "this machine has none: {}",
                missing::explain(self)
            ))),
        }
    }
}

/// The fastest device there is.
fn fastest() -> Option<(DeviceName, Device)> {
    let cards = [DeviceName::Cuda, DeviceName::Wgpu].into_iter();
    let cards = cards.flat_map(|name| {
        let devices = found(name).unwrap_or_default().into_iter();
        devices.filter(is_card).map(move |device| (name, device))
    });
    let processors = [DeviceName::Flex, DeviceName::Ndarray].into_iter();
    let processors = processors.flat_map(|name| {
        let devices = found(name).unwrap_or_default().into_iter();
        devices.map(move |device| (name, device))
    });
    cards.chain(processors).next()
}

/// The devices of a backend, graphics cards first; `None` if it is not in this build.
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
    let mut devices: Vec<_> = Device::enumerate(kind).into_iter().collect();
    // Burn lists them in the driver's order.
    devices.sort_by_key(rank);
    devices
}

/// The place of the first discrete, integrated and virtual card; all others come last.
#[cfg(feature = "wgpu")]
fn rank(device: &Device) -> usize {
    use burn::tensor::DeviceKind::{DiscreteGpu, IntegratedGpu, VirtualGpu};
    let kinds = [DiscreteGpu(0), IntegratedGpu(0), VirtualGpu(0)];
    let place = kinds
        .into_iter()
        .position(|kind| *device == Device::wgpu(kind));
    place.unwrap_or(3)
}

/// The driver puts the fastest first.
#[cfg(all(feature = "cuda", not(feature = "wgpu")))]
fn rank(_: &Device) -> usize {
    0
}

/// Whether the device is a graphics card, and no program that plays one on the CPU.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn is_card(device: &Device) -> bool {
    device.identity().is_some_and(|it| it.physical.is_some())
}

#[cfg(not(any(feature = "wgpu", feature = "cuda")))]
fn is_card(_: &Device) -> bool {
    false
}

/// What a device calls itself.
fn describe(device: &Device) -> String {
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    if let Some(identity) = device.identity() {
        let software = if identity.physical.is_none() {
            ", software on the CPU"
        } else {
            ""
        };
        return format!("{}{software}", identity.name);
    }
    format!("{device:?}")
}

/// Prints the devices that this build and this machine can use.
pub(super) fn list() -> Result<(), CliError> {
    for name in DeviceName::BACKENDS {
        let line = |text: String| say(format_args!("{:8} {text}", name.name()));
        match found(name) {
            None => line(format!("not in this build (feature `{}`)", name.name())),
            Some(devices) if devices.is_empty() => {
                line(format!("none here: {}", missing::explain(name)));
            }
            Some(devices) => devices.iter().map(describe).for_each(line),
        }
    }
    if let Some((name, _)) = fastest() {
        say(format_args!("auto     {}", name.name()));
    }
    Ok(())
}
