//! What the machine is doing and how much memory this process has held, as Linux tells in `/proc`. Elsewhere nothing is
//! known.

use std::fs;

/// The processors' time so far, in the system's ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Processors {
    /// Of all of them, idle or not.
    all: u64,
    /// Not idle; what a virtual machine's host took from it counts.
    busy: u64,
    /// Spent on this process.
    own: u64,
}

impl Processors {
    pub fn now() -> Option<Self> {
        let (all, busy) = machine(&fs::read_to_string("/proc/stat").ok()?)?;
        let own = process(&fs::read_to_string("/proc/self/stat").ok()?)?;
        Some(Self { all, busy, own })
    }

    /// The share of the processors' time since `before` that was spent elsewhere, in percent.
    pub fn others_since(self, before: Self) -> f64 {
        let busy = self.busy.saturating_sub(before.busy);
        let others = busy.saturating_sub(self.own.saturating_sub(before.own));
        let all = self.all.saturating_sub(before.all).max(1);
        100.0 * others as f64 / all as f64
    }
}

/// All ticks of `/proc/stat`, and those that were not idle.
fn machine(stat: &str) -> Option<(u64, u64)> {
    let ticks = stat.lines().next()?.strip_prefix("cpu ")?;
    // User, nice, system, idle, waiting for disks, interrupts (two kinds), stolen. Guests' come after, and are in the
    // first two.
    let ticks: Vec<u64> = ticks
        .split_whitespace()
        .take(8)
        .map(|ticks| ticks.parse().ok())
        .collect::<Option<_>>()?;
    let all: u64 = ticks.iter().sum();
    Some((all, all - ticks.get(3)? - ticks.get(4)?))
}

/// The ticks of the process of `/proc/self/stat`, in user mode and in the kernel.
fn process(stat: &str) -> Option<u64> {
    // The process's name, in parentheses, may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(ticks()? + ticks()?)
}

/// Starts the peak of [`peak_memory`] anew, at what the process holds now; says whether that was possible.
pub(crate) fn restart_peak_memory() -> bool {
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// Most memory that this process has held, in MiB.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_what_is_busy_without_this_process() {
        let stat = "cpu  10 20 30 400 50 6 7 8 9 10\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(machine(stat), Some((531, 81)));
        let stat = "12 (a (b) c) R 1 2 3 4 5 6 7 8 9 10 100 23 0 0 20 0";
        assert_eq!(process(stat), Some(123));

        let at = |all, busy, own| Processors { all, busy, own };
        assert_eq!(at(300, 90, 40).others_since(at(100, 30, 20)), 20.0);
        // The two files are not read at the same time.
        assert_eq!(at(300, 40, 40).others_since(at(100, 30, 20)), 0.0);
    }

    #[test]
    fn what_cannot_be_read_is_not_known() {
        assert_eq!(machine("intr 5"), None);
        assert_eq!(machine("cpu  1 2 3"), None);
        assert_eq!(process("12 (a) R 1"), None);
    }
}
