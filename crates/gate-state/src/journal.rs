//! Read-only access to the journal, for auditors: on a live or a stopped store, without a ledger.

pub(crate) mod line;
pub(crate) mod read;
pub(crate) mod rebuild;
mod verify;
pub(crate) mod view;

use std::collections::VecDeque;
use std::fmt;
use std::path::Path;

use rusqlite::Connection;

use crate::error::{Damage, DamageKind, OpenError};
use crate::record::chain::ChainPoint;
use crate::record::{Record, Seq};
use crate::snapshot;
use crate::store::anchor::{self, Anchor};
use crate::store::{self, Paths, Row};
use line::{Line, Policies};
use verify::Verifier;

/// The result of [`Journal::verify`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Where the journal begins: the store's genesis, or the newest anchor.
    pub begin: ChainPoint,
    /// Where it ends.
    pub end: ChainPoint,
    /// Records in between.
    pub records: u64,
}

/// A store's journal, opened for reading.
pub struct Journal {
    conn: Connection,
    store_id: [u8; 16],
    paths: Paths,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("database", &self.paths.database)
            .finish_non_exhaustive()
    }
}

impl Journal {
    /// Opens the journal of the store in `dir`. Takes no lock: the store may be in use.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let paths = Paths::new(dir);
        let conn = store::connect_reader(&paths)?;
        let store_id = store::check(&conn)?;
        Ok(Self {
            conn,
            store_id,
            paths,
        })
    }

    /// Whether `dir` has a journal; if not, opening a ledger there begins one.
    ///
    /// # Errors
    /// [`OpenError::JournalMissing`] if there was one and it is gone, and [`OpenError::Io`].
    pub fn is_there(dir: &Path) -> Result<bool, OpenError> {
        Paths::new(dir).has_journal()
    }

    /// The store's own id; the chain begins with it.
    #[must_use]
    pub const fn store_id(&self) -> [u8; 16] {
        self.store_id
    }

    /// The anchor that replaces the pruned part, with its signature. A verifier must check the
    /// signature, too: this crate knows no keys.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn anchor(&self) -> Result<Option<(Anchor, Vec<u8>)>, OpenError> {
        Ok(anchor::newest_anchor(&self.conn, self.store_id)?)
    }

    /// Whether nothing was ever recorded.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn is_blank(&self) -> Result<bool, OpenError> {
        let has_rows: bool =
            self.conn
                .query_row("SELECT EXISTS (SELECT 1 FROM journal)", [], |row| {
                    row.get(0)
                })?;
        Ok(!has_rows && self.begin()?.seq == Seq::ZERO)
    }

    /// Checks what a ledger needs of the journal's beginning: it is of the store that was here
    /// before, and the snapshot has what was pruned.
    ///
    /// # Errors
    /// [`OpenError::AnotherStore`], [`OpenError::SnapshotMissing`], or what reading it gives.
    pub fn check_beginning(&self) -> Result<(), OpenError> {
        store::check_noted(self.paths.noted_store()?.as_deref(), &self.store_id)?;
        let begin = self.begin()?.seq;
        if begin == Seq::ZERO {
            return Ok(());
        }
        match snapshot::load(&self.paths, &self.conn, &self.store_id)? {
            Some(snapshot) if snapshot.begin.seq >= begin => Ok(()),
            _ => Err(OpenError::SnapshotMissing),
        }
    }

    /// Reads every record and checks its content, its place and the chain.
    ///
    /// A chain cannot show that its end was cut off. Pass points noted elsewhere (a signed anchor,
    /// the last export) in `known`, in any order: the journal must pass through them. Points before
    /// its beginning are not checked.
    ///
    /// If the store is pruned meanwhile, verification starts again at the new beginning.
    ///
    /// # Errors
    /// [`OpenError::Damaged`] names the first record that is not as it was written.
    pub fn verify(&self, known: &[ChainPoint]) -> Result<Verified, OpenError> {
        self.verify_watched(known, |_| {})
    }

    /// Like [`Journal::verify`]; calls `passed` with the last verified number after each row.
    ///
    /// # Errors
    /// Those of [`Journal::verify`].
    pub fn verify_watched(
        &self,
        known: &[ChainPoint],
        mut passed: impl FnMut(Seq),
    ) -> Result<Verified, OpenError> {
        loop {
            let begin = self.begin()?;
            let mut reading = Reading::from(begin);
            match self.verify_from(&mut reading, known, &mut passed) {
                Ok(()) => {}
                // Start again at the new beginning.
                Err(OpenError::PrunedMeanwhile { .. }) => continue,
                Err(error) => return Err(error),
            }
            let end = reading.verifier.tail;
            if let Some(cut) = known.iter().find(|point| point.seq > end.seq) {
                let missing = end.seq.get().saturating_add(1).min(cut.seq.get());
                return Err(Damage::at(missing, DamageKind::Missing).into());
            }
            return Ok(Verified {
                begin,
                end,
                records: end.seq.get().saturating_sub(begin.seq.get()),
            });
        }
    }

    fn verify_from(
        &self,
        reading: &mut Reading,
        known: &[ChainPoint],
        passed: &mut impl FnMut(Seq),
    ) -> Result<(), OpenError> {
        check_known(known, &reading.verifier.tail)?;
        while let Some(row) = reading.next(self)? {
            let verifier = &mut reading.verifier;
            verifier.row(&row, |_, tail| check_known(known, tail))?;
            passed(verifier.tail.seq);
        }
        Ok(())
    }

    /// Every record from `from` on, ready to be written as a line of JSON; verified from the
    /// journal's beginning. Ends with the first error: [`OpenError::PrunedMeanwhile`] if unread
    /// records were pruned.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn lines(&self, from: Seq) -> Result<Lines<'_>, OpenError> {
        let begin = self.begin()?;
        Ok(Lines {
            journal: self,
            from: from.get(),
            reading: Reading::from(begin),
            // The contexts whose records were pruned.
            policies: if begin.seq > Seq::ZERO {
                line::policies(&snapshot::contexts(&self.paths, &self.store_id))
            } else {
                Policies::default()
            },
            ready: VecDeque::new(),
            ended: None,
        })
    }

    /// The last record's number; where the journal begins if it has none.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn end(&self) -> Result<Seq, OpenError> {
        let last: Option<i64> =
            self.conn
                .query_row("SELECT max(last_seq) FROM journal", [], |row| row.get(0))?;
        let begin = self.begin()?.seq;
        Ok(last.map_or(begin, |last| Seq::new(store::unsigned(last))))
    }

    pub(crate) fn begin(&self) -> Result<ChainPoint, OpenError> {
        anchor::begin(&self.conn, &self.store_id)
    }

    pub(crate) const fn conn(&self) -> &Connection {
        &self.conn
    }
}

fn check_known(known: &[ChainPoint], tail: &ChainPoint) -> Result<(), OpenError> {
    let wrong = |point: &&ChainPoint| point.seq == tail.seq && point.hash != tail.hash;
    match known.iter().find(wrong) {
        Some(point) => Err(Damage::at(point.seq.get(), DamageKind::Changed).into()),
        None => Ok(()),
    }
}

/// How far a journal has been read.
struct Reading {
    verifier: Verifier,
    /// Where the last row begins: a row that overlaps it must be found, too.
    after: u64,
}

impl Reading {
    const fn from(begin: ChainPoint) -> Self {
        Self {
            verifier: Verifier { tail: begin },
            after: begin.seq.get(),
        }
    }

    /// The next row, not yet verified. Pruned rows are no damage: the anchor is written before the
    /// first row is deleted.
    fn next(&mut self, journal: &Journal) -> Result<Option<Row>, OpenError> {
        let row = store::row_after(&journal.conn, self.after)?;
        let passed = self.verifier.tail.seq;
        let follows = |row: &Row| row.first <= passed.get().saturating_add(1);
        if !row.as_ref().is_some_and(follows) {
            let begin = journal.begin()?.seq;
            if begin > passed {
                return Err(OpenError::PrunedMeanwhile { upto: begin });
            }
        }
        if let Some(row) = &row {
            self.after = row.first;
        }
        Ok(row)
    }
}

/// Iterator over a journal's records.
pub struct Lines<'j> {
    journal: &'j Journal,
    from: u64,
    reading: Reading,
    policies: Policies,
    ready: VecDeque<Line>,
    /// How reading ended; lines read before come out first.
    ended: Option<Result<(), OpenError>>,
}

impl fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("journal", self.journal)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

impl Lines<'_> {
    /// Reads one row; `false` at the end.
    fn read(&mut self) -> Result<bool, OpenError> {
        let Some(row) = self.reading.next(self.journal)? else {
            return Ok(false);
        };
        let (ready, policies, from) = (&mut self.ready, &mut self.policies, self.from);
        self.reading.verifier.row(&row, |entry, tail| {
            let is_context = matches!(entry.record, Record::Context(_));
            if is_context || entry.seq.get() >= from {
                let line = Line::new(entry, &tail.hash, policies);
                ready.extend((entry.seq.get() >= from).then_some(line));
            }
            Ok::<(), Damage>(())
        })?;
        Ok(true)
    }
}

impl Iterator for Lines<'_> {
    type Item = Result<Line, OpenError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(Ok(line));
            }
            if let Some(ended) = &mut self.ended {
                return std::mem::replace(ended, Ok(())).err().map(Err);
            }
            match self.read() {
                Ok(true) => {}
                Ok(false) => self.ended = Some(Ok(())),
                Err(error) => self.ended = Some(Err(error)),
            }
        }
    }
}
