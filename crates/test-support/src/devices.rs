//! Devices besides the tests' own.

use std::{
    ops::Deref,
    sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError},
};

use burn::tensor::{Device, DeviceKind, DeviceType};

/// The devices on the graphics adapter that no test holds; none if there is no adapter.
static FREE: LazyLock<Option<Mutex<Vec<Device>>>> = LazyLock::new(|| {
    let adapter = Device::enumerate(DeviceType::Wgpu).into_iter().next()?;
    // The same adapter under another name.
    let default = Device::wgpu(DeviceKind::DefaultDevice);
    Some(Mutex::new(vec![adapter, default]))
});
static GIVEN_BACK: Condvar = Condvar::new();

/// Devices that one adapter is opened as. Each has a queue of its own, and a software adapter such as Mesa's lavapipe
/// compiles the kernels of a queue one after another, on one core: with two, two tests compile at once.
const QUEUES: usize = 2;

/// A graphics device that no other test has meanwhile: where runs are recorded, what others compute would be recorded
/// too.
pub struct Graphics {
    /// That device, and others that are kept idle.
    held: Vec<Device>,
}

impl Graphics {
    /// All devices that are held: of [`wgpu_alone`] all that the adapter is opened as.
    pub fn all(&self) -> &[Device] {
        &self.held
    }
}

impl Deref for Graphics {
    type Target = Device;

    fn deref(&self) -> &Device {
        &self.held[0]
    }
}

impl Drop for Graphics {
    fn drop(&mut self) {
        free()
            .into_iter()
            .for_each(|mut it| it.append(&mut self.held));
        GIVEN_BACK.notify_all();
    }
}

/// A graphics device, if this machine has an adapter; a software one such as Mesa's lavapipe counts. Says so if there
/// is none.
pub fn wgpu() -> Option<Graphics> {
    graphics(1)
}

/// The same, and no other test computes on the adapter meanwhile: for what asks for all its memory.
pub fn wgpu_alone() -> Option<Graphics> {
    graphics(QUEUES)
}

fn graphics(count: usize) -> Option<Graphics> {
    let Some(free) = free() else {
        println!("skipped: no wgpu adapter on this machine");
        return None;
    };
    let free = GIVEN_BACK.wait_while(free, |free| free.len() < count);
    let mut free = free.unwrap_or_else(PoisonError::into_inner);
    let held: Vec<Device> = free.drain(..count).collect();
    println!("on {:?}", held[0]);
    Some(Graphics { held })
}

/// A test that failed with a device leaves it as good as it was.
fn free() -> Option<MutexGuard<'static, Vec<Device>>> {
    let free = FREE.as_ref()?;
    Some(free.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Burn's other backend for processors.
#[allow(
    deprecated,
    reason = "Burn prefers flex; still offered to users who compare with it"
)]
pub fn ndarray() -> Device {
    Device::ndarray()
}
