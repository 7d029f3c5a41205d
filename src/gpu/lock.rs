//! Locks that ignore poisoning.

use std::sync::{Mutex, MutexGuard};

/// Locks a mutex. The data behind these locks is consistent even if a holder panicked.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
