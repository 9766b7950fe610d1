//! Devices besides the tests' own.

use std::{
    ops::Deref,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use burn::tensor::{Device, DeviceType};

/// Held by tests that compute on the graphics device.
static GRAPHICS: RwLock<()> = RwLock::new(());

/// A graphics device, as long as a test has it.
pub struct Graphics {
    device: Device,
    _held: Held,
}

/// With other tests, or alone.
enum Held {
    Shared {
        _guard: RwLockReadGuard<'static, ()>,
    },
    Alone {
        _guard: RwLockWriteGuard<'static, ()>,
    },
}

impl Deref for Graphics {
    type Target = Device;

    fn deref(&self) -> &Device {
        &self.device
    }
}

/// A graphics adapter, if this machine has one; a software one such as Mesa's lavapipe counts. Says so if there is
/// none. Other tests may have it at the same time.
pub fn wgpu() -> Option<Graphics> {
    // A test that failed with the device leaves it as good as it was.
    let guard = GRAPHICS.read().unwrap_or_else(PoisonError::into_inner);
    graphics(Held::Shared { _guard: guard })
}

/// The same, and no other test has it meanwhile: where runs are recorded, what others compute would be recorded too.
pub fn wgpu_alone() -> Option<Graphics> {
    let guard = GRAPHICS.write().unwrap_or_else(PoisonError::into_inner);
    graphics(Held::Alone { _guard: guard })
}

fn graphics(held: Held) -> Option<Graphics> {
    let device = Device::enumerate(DeviceType::Wgpu).into_iter().next();
    match &device {
        Some(device) => println!("on {device:?}"),
        None => println!("skipped: no wgpu adapter on this machine"),
    }
    let _held = held;
    device.map(|device| Graphics { device, _held })
}

/// Burn's other backend for processors.
#[allow(
    deprecated,
    reason = "Burn prefers flex; still offered to users who compare with it"
)]
pub fn ndarray() -> Device {
    Device::ndarray()
}
