//! Devices by name.

mod compare;
mod missing;
mod several;

use std::fmt;

use burn::tensor::Device;
use clap::ValueEnum;

use super::{CliError, progress::say};

pub(super) use compare::{Compare, compare};
pub(super) use several::DeviceList;

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

/// A device that was opened, or several of a kind.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    /// The device itself: the first.
    pub device: Device,
    /// The name of its backend.
    pub name: &'static str,
    /// All of them, with their places in the list of devices.
    all: Vec<(usize, Device)>,
    kind: DeviceName,
}

impl Opened {
    /// Of one device at least.
    fn of(kind: DeviceName, all: Vec<(usize, Device)>) -> Self {
        Self {
            device: all[0].1.clone(),
            name: kind.name(),
            all,
            kind,
        }
    }

    /// Whether the machine's own processor and memory compute.
    pub fn is_processor(&self) -> bool {
        self.kind.is_processor()
    }

    /// All of them, the first one first.
    pub fn devices(&self) -> Vec<Device> {
        self.all.iter().map(|(_, device)| device.clone()).collect()
    }

    /// The places of several in the list of devices; none of one alone.
    pub fn places(&self) -> Option<Vec<usize>> {
        let places = self.all.iter().map(|(place, _)| *place);
        (self.all.len() > 1).then(|| places.collect())
    }

    /// Whether runs are recorded there. While CUDA records on one card, no thread of the process may allocate memory on
    /// another.
    pub fn records(&self) -> bool {
        self.kind != DeviceName::Cuda || self.all.len() == 1
    }
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(places) = self.places() else {
            return write!(f, "device {}", self.name);
        };
        let places: Vec<String> = places.iter().map(usize::to_string).collect();
        write!(f, "devices {} of {}", places.join(", "), self.name)
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

    /// Whether the machine's own processor and memory compute.
    fn is_processor(self) -> bool {
        matches!(self, Self::Flex | Self::Ndarray)
    }

    /// The device, if this build and this machine have it.
    pub fn open(self) -> Result<Opened, CliError> {
        let (kind, devices) = self.available()?;
        let chosen = match self {
            Self::Auto => devices.iter().position(is_card).unwrap_or(0),
            _ => 0,
        };
        Ok(Opened::of(kind, vec![(chosen, devices[chosen].clone())]))
    }

    /// The devices of this kind, or of the fastest, one at least.
    fn available(self) -> Result<(Self, Vec<Device>), CliError> {
        let refuse = |reason: String| CliError::Device {
            name: self.name(),
            reason,
        };
        let kind = match self {
            Self::Auto => fastest()
                .ok_or_else(|| refuse("this build has no backend: build it with one".to_owned()))?,
            named => named,
        };
        let Some(devices) = found(kind) else {
            return Err(refuse(format!(
                "not in this build; build it with `cargo build --release --features {}`, or use one of `backdraft devices`",
                kind.name()
            )));
        };
        match devices.is_empty() {
            false => Ok((kind, devices)),
            true => Err(refuse(format!(
                "this machine has none: {}",
                missing::explain(kind)
            ))),
        }
    }
}

/// The kind of the fastest device there is.
fn fastest() -> Option<DeviceName> {
    let has = |name: &DeviceName, of: fn(&Device) -> bool| {
        found(*name).is_some_and(|devices| devices.iter().any(of))
    };
    let mut cards = [DeviceName::Cuda, DeviceName::Wgpu].into_iter();
    let mut processors = [DeviceName::Flex, DeviceName::Ndarray].into_iter();
    cards
        .find(|name| has(name, is_card))
        .or_else(|| processors.find(|name| has(name, |_| true)))
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

/// Prints the devices that this build and this machine can use, with their places where there are several of a kind.
pub(super) fn list() -> Result<(), CliError> {
    for name in DeviceName::BACKENDS {
        let line = |text: String| say(format_args!("{:8} {text}", name.name()));
        match found(name) {
            None => line(format!("not in this build (feature `{}`)", name.name())),
            Some(devices) => match &devices[..] {
                [] => line(format!("none here: {}", missing::explain(name))),
                [one] => line(describe(one)),
                several => {
                    let all = several.iter().enumerate();
                    all.for_each(|(place, it)| line(format!("{place} {}", describe(it))));
                }
            },
        }
    }
    if let Some(name) = fastest() {
        say(format_args!("auto     {}", name.name()));
    }
    Ok(())
}
