//! How Burn puts kernels together.

use burn::BurnConfig;
use burn_std::config::RuntimeConfig;
use serde_json::json;

/// Has Burn put operations into kernels in the order in which they come: programs are ordered for that, and its search for something
/// better finds less. A number of blocks in `burn.toml` other than Burn's own stays. Takes effect before a device is first used.
pub(in crate::cli) fn keep_order() {
    let usual = BurnConfig::default().fusion().beam_search.max_blocks;
    let config = BurnConfig::from_current_dir().override_from_env();
    if config.fusion().beam_search.max_blocks != usual {
        return;
    }
    let ordered = serde_json::to_value(config).and_then(|mut config| {
        config["fusion"]["beam_search"]["max_blocks"] = json!(1);
        serde_json::from_value(config)
    });
    // Without it, results are the same.
    if let Ok(ordered) = ordered {
        BurnConfig::try_set(ordered);
    }
}
