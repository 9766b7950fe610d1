//! What threads share.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is behind `mutex`. A panic while it was held leaves nothing half done: nothing is computed meanwhile.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
