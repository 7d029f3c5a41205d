//! Two profiles, line by line.

use std::collections::BTreeMap;

use super::{KernelLine, Profile, Spread};

/// What became of one operation of a layer, all of its kernels together, so that a variant with other
/// kernels finds its counterpart.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// `forward`, `backward`, `update`.
    pub pass: String,
    /// The layer or step.
    pub layer: String,
    /// Its kernels before, without their helpers where there are several; empty if there were none.
    pub old_kernel: String,
    /// Its kernels now.
    pub new_kernel: String,
    /// Seconds before.
    pub old: Option<Spread>,
    /// Seconds now.
    pub new: Option<Spread>,
}

impl Change {
    /// Old over new: 2 is twice as fast. `None` where one is missing.
    pub fn speedup(&self) -> Option<f64> {
        let (old, new) = (self.old?, self.new?);
        (new.median > 0.0).then(|| old.median / new.median)
    }

    /// True if both were measured and their spreads do not meet.
    pub fn is_certain(&self) -> bool {
        self.old.zip(self.new).is_some_and(|(old, new)| !old.overlaps(&new))
    }
}

/// Two profiles side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The earlier one.
    pub old: Profile,
    /// The later one.
    pub new: Profile,
    /// The old one's operations in their order, then those that only the new one has.
    pub changes: Vec<Change>,
    /// In what the two are no equals, so that times say less: device, size, objective.
    pub differences: Vec<String>,
}

impl Comparison {
    /// Matches pass, layer and operation.
    pub fn of(old: Profile, new: Profile) -> Self {
        let [before, after] = [&old, &new].map(operations);
        let keys =
            before.order.iter().chain(after.order.iter().filter(|key| !before.found.contains_key(*key)));
        let change = |key: &Key| {
            let [old, new] = [&before, &after].map(|side| side.found.get(key));
            let kernel =
                |side: Option<&(String, Spread)>| side.map_or_else(String::new, |(name, _)| name.clone());
            Change {
                pass: key.0.clone(),
                layer: key.1.clone(),
                old_kernel: kernel(old),
                new_kernel: kernel(new),
                old: old.map(|(_, seconds)| *seconds),
                new: new.map(|(_, seconds)| *seconds),
            }
        };
        let changes = keys.map(change).collect();
        let differences = differences(&old, &new);
        Self { old, new, changes, differences }
    }
}

/// Pass, layer, operation.
type Key = (String, String, String);

struct Operations {
    order: Vec<Key>,
    /// Name of the slowest kernel, and the seconds of all.
    found: BTreeMap<Key, (String, Spread)>,
}

fn operations(profile: &Profile) -> Operations {
    let key = |line: &KernelLine| (line.pass.clone(), line.layer.clone(), line.operation().to_string());
    let mut operations = Operations { order: vec![], found: BTreeMap::new() };
    let mut slowest: BTreeMap<Key, f64> = BTreeMap::new();
    for line in &profile.kernels {
        let key = key(line);
        let (name, seconds) = operations.found.entry(key.clone()).or_insert_with(|| {
            operations.order.push(key.clone());
            Default::default()
        });
        *seconds = *seconds + line.seconds;
        let most = slowest.entry(key).or_insert(-1.0);
        if line.seconds.median > *most {
            (*most, *name) = (line.seconds.median, line.kernel.clone());
        }
    }
    operations
}

fn differences(old: &Profile, new: &Profile) -> Vec<String> {
    let size = |profile: &Profile| format!("{} x {}", profile.workload.width, profile.workload.height);
    let pairs = [
        ("device", old.device.name.clone(), new.device.name.clone()),
        ("driver", old.device.driver.clone(), new.device.driver.clone()),
        ("size", size(old), size(new)),
        ("workload", old.workload.what.clone(), new.workload.what.clone()),
        ("clock", format!("{:?}", old.clock), format!("{:?}", new.clock)),
    ];
    let different = pairs.into_iter().filter(|(_, old, new)| old != new);
    different.map(|(what, old, new)| format!("{what}: {old}, then {new}")).collect()
}
