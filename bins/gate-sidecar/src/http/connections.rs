//! Counts the open connections of the public listener.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The count. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connections(Arc<AtomicUsize>);

impl Connections {
    /// Counts a connection, for as long as the result lives.
    pub(crate) fn enter(&self) -> Connected {
        self.0.fetch_add(1, Ordering::Relaxed);
        Connected(Arc::clone(&self.0))
    }

    /// Connections open now.
    pub(crate) fn open(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connected(Arc<AtomicUsize>);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
