//! The write-ahead log and SQLite's part, in memory: what the writers use of them.

use std::collections::BTreeSet;
use std::io;
use std::ops::RangeInclusive;

use gate_types::Clock;
use shuttle::sync::{Arc, Mutex};
use shuttle::thread::{self, ThreadId};

use crate::queue::{Chunk, Queue};

/// How one commit fails, and only that.
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
    at: u64,
    commits: u64,
    /// Who appended the commit that fails, and its first record.
    failing: Option<(ThreadId, u64)>,
    /// A write has failed, which every sync from then on is told.
    broken: bool,
    appended: Vec<u64>,
    /// What no later sync brings to the disk.
    gone: BTreeSet<u64>,
    disk: BTreeSet<u64>,
    voids: BTreeSet<u64>,
    /// Of each commit, how many records had been appended with it, and when a sync returned next.
    ends: Vec<(usize, Option<usize>)>,
    finished: bool,
}

impl Log {
    /// With a fault of that commit.
    pub(crate) fn failing(fault: Option<Fault>, at: u64) -> Self {
        Self {
            fault,
            at,
            ..Self::default()
        }
    }

    /// Whether a decision, and not a void, is on the disk under that number.
    pub(crate) fn holds(&self, seq: u64) -> bool {
        self.disk.contains(&seq) && !self.voids.contains(&seq)
    }

    pub(crate) const fn disk(&self) -> &BTreeSet<u64> {
        &self.disk
    }

    /// Whether the last to leave has emptied it.
    pub(crate) const fn is_finished(&self) -> bool {
        self.finished
    }

    /// How many records the first commit had, and how many had been appended in all when the first
    /// sync returned.
    pub(crate) fn first_commit(&self) -> (usize, usize) {
        let (with, returned) = self.ends.first().unwrap();
        (*with, returned.unwrap())
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

    pub(crate) fn write_voids(&mut self, seqs: RangeInclusive<u64>) {
        self.appended.extend(seqs.clone());
        self.disk.extend(seqs.clone());
        self.voids.extend(seqs);
    }

    fn append(&mut self, chunk: &Chunk) -> io::Result<()> {
        self.commits += 1;
        if self.fault.is_some() && self.commits == self.at {
            if self.fault == Some(Fault::Append) {
                return Err(io::Error::other("cannot be appended"));
            }
            self.failing = Some((thread::current().id(), chunk.first));
        }
        let (seqs, _) = chunk.frames.as_chunks::<8>();
        let seqs = seqs.iter().map(|seq| u64::from_le_bytes(*seq));
        self.appended.extend(seqs);
        self.ends.push((self.appended.len(), None));
        Ok(())
    }

    /// The sync of what was in the log when it began: so many records.
    fn sync(&mut self, began: usize) -> io::Result<()> {
        let appended = self.appended.len();
        for (_, returned) in &mut self.ends {
            returned.get_or_insert(appended);
        }
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
