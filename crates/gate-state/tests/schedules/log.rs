//! The write-ahead log and SQLite's part, in memory: what the writers use of them.

use std::collections::BTreeSet;
use std::io;
use std::ops::RangeInclusive;

use gate_types::Clock;
use shuttle::sync::{Arc, Mutex};
use shuttle::thread::{self, ThreadId};

use crate::queue::{Chunk, Queue};

/// How the second commit fails, and only that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not even appended; the next would be.
    Append,
    /// Its write fails. It is not on the disk, and every open file is told.
    Write,
    /// The disk's flush fails, and it is gone. Nobody else is told.
    Flush,
    /// The disk's flush fails, but everything is there.
    FlushInVain,
}

impl Fault {
    pub(crate) const ALL: [Self; 4] = [Self::Append, Self::Write, Self::Flush, Self::FlushInVain];
}

#[derive(Default)]
pub(crate) struct Log {
    fault: Option<Fault>,
    commits: u64,
    /// Who appended the commit that fails, and its first record.
    failing: Option<(ThreadId, u64)>,
    /// A write has failed, which every sync from then on is told.
    broken: bool,
    appended: Vec<u64>,
    /// What no later sync brings to the disk.
    gone: BTreeSet<u64>,
    disk: BTreeSet<u64>,
    /// Of each commit that was synced, how many records had been appended when its sync began, and
    /// when it returned.
    syncs: Vec<(usize, usize)>,
    finished: bool,
}

impl Log {
    pub(crate) fn failing(fault: Option<Fault>) -> Self {
        Self {
            fault,
            ..Self::default()
        }
    }

    pub(crate) const fn disk(&self) -> &BTreeSet<u64> {
        &self.disk
    }

    /// Whether the last to leave has emptied it.
    pub(crate) const fn is_finished(&self) -> bool {
        self.finished
    }

    /// How many records were appended while those up to the `first`, and no more, were synced.
    pub(crate) fn appended_during_sync_of(&self, first: usize) -> Option<usize> {
        let sync = self.syncs.iter().find(|(began, _)| *began == first);
        sync.map(|(began, returned)| returned - began)
    }

    /// Reads what can be read after a failure, and makes that durable. Returns the last record.
    pub(crate) fn read_back(&mut self) -> u64 {
        if self.broken {
            let disk = &self.disk;
            let end = self.appended.iter().position(|seq| !disk.contains(seq));
            self.appended.truncate(end.unwrap_or(self.appended.len()));
        }
        self.broken = false;
        self.gone.clear();
        self.disk.extend(self.appended.iter().copied());
        self.appended.last().copied().unwrap_or_default()
    }

    pub(crate) fn write(&mut self, seqs: RangeInclusive<u64>) {
        self.appended.extend(seqs.clone());
        self.disk.extend(seqs);
    }

    fn append(&mut self, chunk: &Chunk) -> io::Result<()> {
        self.commits += 1;
        if self.commits == 2 && self.fault.is_some() {
            if self.fault == Some(Fault::Append) {
                return Err(io::Error::other("cannot be appended"));
            }
            self.failing = Some((thread::current().id(), chunk.first));
        }
        let (seqs, _) = chunk.frames.as_chunks::<8>();
        let seqs = seqs.iter().map(|seq| u64::from_le_bytes(*seq));
        self.appended.extend(seqs);
        Ok(())
    }

    /// The sync of what was in the log when it began: so many records.
    fn sync(&mut self, began: usize) -> io::Result<()> {
        self.syncs.push((began, self.appended.len()));
        if self.broken {
            return Err(io::Error::other("told of another's"));
        }
        let own = |(by, _): &mut _| *by == thread::current().id();
        let failing = self.failing.take_if(own);
        if let Some((_, first)) = failing {
            let pending = self.appended.iter().filter(|seq| **seq >= first);
            match self.fault {
                Some(Fault::Write) => self.broken = true,
                Some(Fault::Flush) => self.gone.extend(pending),
                _ => {}
            }
        }
        if !self.broken {
            let there = self.appended.iter().take(began);
            let there = there.filter(|seq| !self.gone.contains(seq));
            self.disk.extend(there);
        }
        match failing {
            Some(_) => Err(io::Error::other("not synced")),
            None => Ok(()),
        }
    }
}

pub(crate) struct Appender(pub(crate) Arc<Mutex<Log>>);

impl Appender {
    pub(crate) fn append(&mut self, chunk: &mut Chunk) -> io::Result<()> {
        self.0.lock().unwrap().append(chunk)
    }
}

pub(crate) struct WalSync(pub(crate) Arc<Mutex<Log>>);

impl WalSync {
    pub(crate) fn sync(&self) -> io::Result<()> {
        let began = self.0.lock().unwrap().appended.len();
        thread::yield_now();
        self.0.lock().unwrap().sync(began)
    }
}

pub(crate) struct WalKeeper(pub(crate) Arc<Mutex<Log>>);

impl WalKeeper {
    pub(crate) fn keep_short(
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
