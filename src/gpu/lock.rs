//! Locks that outlive a panic.

use std::sync::{Mutex, MutexGuard};

/// What these locks guard stays whole even if a holder panicked.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
