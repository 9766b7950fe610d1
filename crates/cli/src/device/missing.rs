//! What a machine lacks that has no device of some kind.

use std::{env, fs, path::Path};

use super::DeviceName;

/// Where drivers tell the Vulkan loader of themselves.
const DRIVERS: [&str; 3] = [
    "/usr/share/vulkan/icd.d",
    "/usr/local/share/vulkan/icd.d",
    "/etc/vulkan/icd.d",
];

/// What to install.
pub(super) fn explain(name: DeviceName) -> &'static str {
    match name {
        DeviceName::Auto | DeviceName::Flex | DeviceName::Ndarray => "it always has a CPU",
        DeviceName::Wgpu if !cfg!(target_os = "linux") => {
            "no graphics adapter was found; install the card's driver"
        }
        DeviceName::Wgpu if !has_library("libvulkan.so.1") => {
            "there is no Vulkan loader; install it with a driver (Debian: libvulkan1, and mesa-vulkan-drivers for most cards or \
             none, or NVIDIA's driver)"
        }
        DeviceName::Wgpu if !has_driver() => {
            "the Vulkan loader finds no driver; install the card's, or Mesa's (Debian: mesa-vulkan-drivers), which also computes \
             on the CPU"
        }
        DeviceName::Wgpu => {
            "the Vulkan drivers here find no adapter; is the card visible, and may this user open /dev/dri or /dev/nvidia0?"
        }
        DeviceName::Cuda if !cfg!(target_os = "linux") => {
            "no CUDA device was found; install NVIDIA's driver"
        }
        DeviceName::Cuda if !has_library("libcuda.so.1") => {
            "there is no CUDA driver (libcuda.so.1); install NVIDIA's driver"
        }
        DeviceName::Cuda if !Path::new("/dev/nvidiactl").exists() => {
            "there is a CUDA driver library, but no card or no kernel module (/dev/nvidiactl); `nvidia-smi` tells more"
        }
        DeviceName::Cuda => "the CUDA driver finds no card; `nvidia-smi` tells more",
    }
}

/// Whether the system's loader knows a library, or a folder of `LD_LIBRARY_PATH` has it.
fn has_library(name: &str) -> bool {
    let cache = fs::read("/etc/ld.so.cache").unwrap_or_default();
    let cached = cache
        .windows(name.len())
        .any(|window| window == name.as_bytes());
    cached || paths("LD_LIBRARY_PATH").any(|folder| folder.join(name).exists())
}

/// Whether the Vulkan loader has a driver to open.
fn has_driver() -> bool {
    let named = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].map(|variable| paths(variable).next());
    if named.iter().any(Option::is_some) {
        return named.iter().flatten().any(|file| file.exists());
    }
    DRIVERS
        .iter()
        .any(|folder| fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some()))
}

/// The paths in an environment variable.
fn paths(variable: &str) -> impl Iterator<Item = std::path::PathBuf> {
    let value = env::var_os(variable).unwrap_or_default();
    let paths: Vec<_> = env::split_paths(&value)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    paths.into_iter()
}
