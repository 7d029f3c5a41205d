//! The ledger of GPU memory: bytes of tensors by use.

use std::fmt;
use std::sync::{Arc, Mutex};

/// The use of a tensor. The ledger keeps one sum for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// Convolution weights and biases, packed for the kernels.
    Weights,
    /// Values of the graph's nodes.
    Activations,
    /// Derivatives of the loss with respect to the graph's nodes.
    Gradients,
    /// Scratch memory of operations.
    Scratch,
    /// Content features and style Gram matrices.
    Targets,
    /// The image, its gradient and the optimiser's state.
    Optimizer,
}

impl Use {
    /// Every use, in the order in which reports list them.
    pub const ALL: [Use; 6] =
        [Use::Weights, Use::Activations, Use::Gradients, Use::Scratch, Use::Targets, Use::Optimizer];
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Use::Weights => "weights",
            Use::Activations => "activations",
            Use::Gradients => "gradients",
            Use::Scratch => "scratch",
            Use::Targets => "targets",
            Use::Optimizer => "optimizer",
        })
    }
}

/// Bytes by [`Use`] at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryUse {
    bytes: [u64; Use::ALL.len()],
}

impl MemoryUse {
    /// The same with more bytes for one use.
    pub fn with(mut self, what: Use, bytes: u64) -> Self {
        self.bytes[what as usize] += bytes;
        self
    }

    /// The one with the larger total.
    pub fn or_larger(self, other: Self) -> Self {
        if other.total() > self.total() { other } else { self }
    }

    /// Bytes of one use.
    pub fn of(&self, what: Use) -> u64 {
        self.bytes[what as usize]
    }

    /// Bytes of all uses.
    pub fn total(&self) -> u64 {
        self.bytes.iter().sum()
    }
}

impl fmt::Display for MemoryUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", mebibytes(self.total()))?;
        for (i, what) in Use::ALL.into_iter().enumerate() {
            write!(f, "{}{what} {}", if i == 0 { ": " } else { ", " }, mebibytes(self.of(what)))?;
        }
        Ok(())
    }
}

/// Formats a number of bytes: `12.5 MiB`, `1.20 GiB`.
pub fn mebibytes(bytes: u64) -> String {
    let mib = bytes as f64 / (1 << 20) as f64;
    if mib < 1024.0 { format!("{mib:.1} MiB") } else { format!("{:.2} GiB", mib / 1024.0) }
}

/// The sums over all tensors of a device, and the highest total so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    state: Arc<Mutex<(MemoryUse, u64)>>,
}

/// An entry of the ledger; dropping it subtracts its bytes.
#[derive(Debug)]
pub(super) struct Entry {
    ledger: Ledger,
    what: Use,
    bytes: u64,
}

impl Ledger {
    pub(super) fn enter(&self, what: Use, bytes: u64) -> Entry {
        self.change(|(now, peak)| {
            now.bytes[what as usize] += bytes;
            *peak = (*peak).max(now.total());
        });
        Entry { ledger: self.clone(), what, bytes }
    }

    pub(super) fn now(&self) -> MemoryUse {
        self.change(|(now, _)| *now)
    }

    pub(super) fn forget_peak(&self) {
        self.change(|(now, peak)| *peak = now.total());
    }

    pub(super) fn peak(&self) -> u64 {
        self.change(|(_, peak)| *peak)
    }

    /// The sums are consistent even if a holder of the lock panicked.
    fn change<T>(&self, f: impl FnOnce(&mut (MemoryUse, u64)) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.ledger.change(|(now, _)| now.bytes[self.what as usize] -= self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_and_go_and_the_peak_stays() {
        let ledger = Ledger::default();
        let a = ledger.enter(Use::Weights, 3 << 20);
        let b = ledger.enter(Use::Scratch, 1 << 20);
        drop(a);
        assert_eq!(ledger.now().of(Use::Weights), 0);
        assert_eq!(ledger.now().total(), 1 << 20);
        assert_eq!(ledger.peak(), 4 << 20);
        ledger.forget_peak();
        assert_eq!(ledger.peak(), 1 << 20);
        drop(b);
        assert_eq!(ledger.now(), MemoryUse::default());
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(mebibytes(13_107_200), "12.5 MiB");
        assert_eq!(mebibytes(6 << 28), "1.50 GiB");
    }
}
