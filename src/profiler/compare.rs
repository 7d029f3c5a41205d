//! Comparison of two profiles, operation by operation.

use std::collections::BTreeMap;

use super::{KernelLine, Profile, Spread};
use crate::gpu::PassKind;

/// Seconds of one thing in both profiles; `None` where a profile does not have it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BeforeAfter {
    /// Seconds in the old profile.
    pub old: Option<Spread>,
    /// Seconds in the new profile.
    pub new: Option<Spread>,
}

impl BeforeAfter {
    /// Old over new: 2 is twice as fast. `None` if one is missing.
    pub fn speedup(&self) -> Option<f64> {
        let (old, new) = (self.old?, self.new?);
        (new.median > 0.0).then(|| old.median / new.median)
    }

    /// True if both were measured and their spreads do not overlap.
    pub fn is_certain(&self) -> bool {
        self.old.zip(self.new).is_some_and(|(old, new)| !old.overlaps(&new))
    }
}

/// One operation of a layer in one pass, with all of its kernels, so that variants with different kernels
/// are compared with each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The pass of the evaluation.
    pub pass: PassKind,
    /// The layer or step.
    pub layer: String,
    /// The slowest of its kernels in the old profile; empty if it has none there.
    pub old_kernel: String,
    /// The slowest of its kernels in the new profile; empty if it has none there.
    pub new_kernel: String,
    /// Seconds of all of its kernels.
    pub seconds: BeforeAfter,
}

/// Two profiles side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The earlier profile.
    pub old: Profile,
    /// The later profile.
    pub new: Profile,
    /// The operations of the old profile in order, then those that only the new one has.
    pub changes: Vec<Change>,
    /// Conditions that differ between the profiles and so limit what the times say: device, driver, size,
    /// workload, clock.
    pub differences: Vec<String>,
}

impl Comparison {
    /// Matches the kernels of two profiles by pass, layer and operation.
    pub fn of(old: Profile, new: Profile) -> Self {
        let [before, after] = [&old, &new].map(Operations::of);
        let only_new = after.order.iter().filter(|key| !before.found.contains_key(*key));
        let keys = before.order.iter().chain(only_new);
        let changes = keys.map(|key| change(key, before.found.get(key), after.found.get(key))).collect();
        let differences = differences(&old, &new);
        Self { old, new, changes, differences }
    }
}

/// Pass, layer, operation.
type Key = (PassKind, String, String);

/// The kernels of one operation, summed.
#[derive(Default)]
struct Operation {
    slowest: String,
    slowest_seconds: f64,
    seconds: Spread,
}

#[derive(Default)]
struct Operations {
    order: Vec<Key>,
    found: BTreeMap<Key, Operation>,
}

impl Operations {
    fn of(profile: &Profile) -> Self {
        let mut operations = Self::default();
        for line in &profile.kernels {
            operations.add(line);
        }
        operations
    }

    fn add(&mut self, line: &KernelLine) {
        let key = (line.pass, line.layer.clone(), line.operation().to_string());
        if !self.found.contains_key(&key) {
            self.order.push(key.clone());
        }
        let operation = self.found.entry(key).or_default();
        operation.seconds = operation.seconds + line.seconds;
        if operation.slowest.is_empty() || line.seconds.median > operation.slowest_seconds {
            operation.slowest = line.kernel.clone();
            operation.slowest_seconds = line.seconds.median;
        }
    }
}

fn change(key: &Key, old: Option<&Operation>, new: Option<&Operation>) -> Change {
    let kernel = |operation: Option<&Operation>| operation.map_or_else(String::new, |o| o.slowest.clone());
    let seconds = |operation: Option<&Operation>| operation.map(|o| o.seconds);
    Change {
        pass: key.0,
        layer: key.1.clone(),
        old_kernel: kernel(old),
        new_kernel: kernel(new),
        seconds: BeforeAfter { old: seconds(old), new: seconds(new) },
    }
}

fn differences(old: &Profile, new: &Profile) -> Vec<String> {
    let size = |profile: &Profile| format!("{} x {}", profile.workload.width, profile.workload.height);
    let pairs = [
        ("device", old.device.name.clone(), new.device.name.clone()),
        ("driver", old.device.driver.clone(), new.device.driver.clone()),
        ("size", size(old), size(new)),
        ("workload", old.workload.what.clone(), new.workload.what.clone()),
        ("clock", old.clock.to_string(), new.clock.to_string()),
    ];
    let different = pairs.into_iter().filter(|(_, old, new)| old != new);
    different.map(|(what, old, new)| format!("{what}: {old}, then {new}")).collect()
}
