//! The journal's file in memory: the part of the store that the writer uses.

use std::collections::BTreeSet;
use std::io;
use std::ops::RangeInclusive;

use gate_types::Clock;
use shuttle::sync::{Arc, Mutex};

use crate::queue::Queue;

/// How the second commit fails; no other does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing of it is on disk.
    Lost,
    /// All of it is on disk.
    InVain,
}

#[derive(Default)]
pub(crate) struct Log {
    fault: Option<Fault>,
    commits: u64,
    /// Numbers in the order of writing.
    disk: Vec<u64>,
    voids: BTreeSet<u64>,
    finished: bool,
}

impl Log {
    pub(crate) fn failing(fault: Option<Fault>) -> Self {
        Self {
            fault,
            ..Self::default()
        }
    }

    /// Whether a record other than a void has this number on disk.
    pub(crate) fn holds(&self, seq: u64) -> bool {
        self.disk.contains(&seq) && !self.voids.contains(&seq)
    }

    pub(crate) fn disk(&self) -> &[u64] {
        &self.disk
    }

    /// Whether the writer emptied the log at the end.
    pub(crate) const fn is_finished(&self) -> bool {
        self.finished
    }

    pub(crate) fn write_voids(&mut self, seqs: RangeInclusive<u64>) {
        self.disk.extend(seqs.clone());
        self.voids.extend(seqs);
    }

    fn commit(&mut self, frames: &[u8]) -> io::Result<()> {
        self.commits += 1;
        let fault = self.fault.filter(|_| self.commits == 2);
        if fault != Some(Fault::Lost) {
            let (seqs, _) = frames.as_chunks::<8>();
            let seqs = seqs.iter().map(|seq| u64::from_le_bytes(*seq));
            self.disk.extend(seqs);
        }
        match fault {
            Some(_) => Err(io::Error::other("as planned")),
            None => Ok(()),
        }
    }
}

pub(crate) struct Appender(pub(crate) Arc<Mutex<Log>>);

impl Appender {
    pub(crate) fn commit(
        &mut self,
        _seqs: &RangeInclusive<u64>,
        frames: &mut [u8],
    ) -> io::Result<()> {
        self.0.lock().unwrap().commit(frames)
    }
}

pub(crate) struct WalKeeper(pub(crate) Arc<Mutex<Log>>);

impl WalKeeper {
    pub(crate) fn after_commit(
        &self,
        _appender: &Appender,
        _queue: &Queue,
        _clock: &dyn Clock,
    ) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn finish(&self, _appender: &Appender) {
        self.0.lock().unwrap().finished = true;
    }
}
