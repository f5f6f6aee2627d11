//! A data directory that is not there any more, or is another: an open ledger goes on with its own
//! store or not at all.

use std::path::{Path, PathBuf};

use gate_state::{
    Decided, Displaced, JournalState, KillRecord, KillScope, Ledger, LedgerConfig, NotDurable,
    OpenError, SnapshotError,
};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::kit::{Kit, clock};

/// A ledger in a directory that can be moved, with a hold of 100, a kill switch, and a commit that
/// failed.
struct Failed {
    kit: Kit,
    /// Has the ledger's directory.
    above: TempDir,
    dir: PathBuf,
}

impl Failed {
    fn new() -> Self {
        let above = tempfile::tempdir().unwrap();
        let dir = above.path().join("data");
        let kit = Kit::with(|config| config.dir.clone_from(&dir));
        kit.authorize("c1", "o-1", "100");
        let kill = KillRecord {
            scope: KillScope::Symbol("GME".into()),
            on: true,
            actor: "ops".into(),
            reason: "halt".into(),
        };
        kit.ledger
            .wait(kit.ledger.kill(&kill).unwrap().seq)
            .unwrap();
        // SQLite's write lock makes the next commit fail.
        let jam = Connection::open(dir.join("ledger.db")).unwrap();
        jam.execute_batch("BEGIN IMMEDIATE").unwrap();
        let Ok(Decided::New(lost)) = kit.decide("c1", "o-2", "100", None) else {
            panic!()
        };
        assert_eq!(kit.ledger.wait(lost.seq), Err(NotDurable));
        Self { kit, above, dir }
    }

    fn aside(&self) -> PathBuf {
        self.above.path().join("aside")
    }

    fn put_aside(&self) {
        std::fs::rename(&self.dir, self.aside()).unwrap();
    }

    fn refuses(&self) -> OpenError {
        let refused = self.kit.ledger.maintain().unwrap_err();
        assert_eq!(self.kit.ledger.journal_state(), JournalState::Failed);
        assert!(self.kit.decide("c1", "o-3", "1", None).is_err());
        refused
    }

    fn recovers(&self) {
        let Kit { ledger, .. } = &self.kit;
        assert!(ledger.maintain().unwrap().recovered);
        assert_eq!(self.kit.exposure("c1").gross.to_string(), "100");
        assert_eq!(ledger.kills().len(), 1);
        self.kit.authorize("c1", "o-2", "1");
    }
}

fn names_in(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<_> = entries
        .map(|entry| name(entry).into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

/// The mount point of a volume that is lost looks like this.
#[test]
fn an_empty_directory_is_no_ledger_without_holds() {
    let failed = Failed::new();
    failed.put_aside();
    assert!(matches!(failed.refuses(), OpenError::Displaced(Displaced)));
    std::fs::create_dir(&failed.dir).unwrap();
    assert!(matches!(failed.refuses(), OpenError::Displaced(Displaced)));
    assert_eq!(names_in(&failed.dir), [""; 0]);
    std::fs::remove_dir(&failed.dir).unwrap();
    std::fs::rename(failed.aside(), &failed.dir).unwrap();
    failed.recovers();
}

#[test]
fn a_store_of_somebody_elses_is_left_alone() {
    let failed = Failed::new();
    failed.put_aside();
    let other = Ledger::open(LedgerConfig::new(&failed.dir), clock()).unwrap();
    let seq = other.set_context(crate::kit::context()).unwrap().seq();
    other.wait(seq).unwrap();
    drop(other);
    assert!(matches!(failed.refuses(), OpenError::Displaced(Displaced)));
    let other = Ledger::open(LedgerConfig::new(&failed.dir), clock()).unwrap();
    assert_eq!(other.durable_seq(), seq, "nothing was written to it");
}

/// The lock is there, with no word in it or with one.
#[test]
fn an_open_ledger_knows_its_store_without_the_note_in_its_lock() {
    let failed = Failed::new();
    let (lock, database) = (failed.dir.join("ledger.lock"), failed.dir.join("ledger.db"));
    let (log, aside) = (failed.dir.join("ledger.db-wal"), failed.aside());
    std::fs::create_dir(&aside).unwrap();
    for file in [&database, &log] {
        std::fs::rename(file, aside.join(file.file_name().unwrap())).unwrap();
    }
    assert!(matches!(failed.refuses(), OpenError::JournalMissing));
    assert!(!database.exists());
    std::fs::write(&lock, "").unwrap();
    assert!(matches!(failed.refuses(), OpenError::JournalMissing));
    assert!(!database.exists());
    std::fs::write(&database, "").unwrap();
    assert!(matches!(failed.refuses(), OpenError::JournalMissing));

    let other = Kit::new();
    other.authorize("c9", "o-9", "1");
    let other = other.reopen().unwrap();
    std::fs::copy(other.0.path().join("ledger.db"), &database).unwrap();
    assert!(matches!(failed.refuses(), OpenError::AnotherStore { .. }));
    for file in [&database, &log] {
        std::fs::rename(aside.join(file.file_name().unwrap()), file).unwrap();
    }
    failed.recovers();
}

/// After pruning it would be missing where the journal is.
#[test]
fn a_snapshot_is_not_put_into_another_directory() {
    let above = tempfile::tempdir().unwrap();
    let (dir, aside) = (above.path().join("data"), above.path().join("aside"));
    let kit = Kit::with(|config| config.dir.clone_from(&dir));
    kit.authorize("c1", "o-1", "100");
    kit.ledger.snapshot().unwrap();
    std::fs::rename(&dir, &aside).unwrap();
    std::fs::create_dir(&dir).unwrap();
    let taken = kit.ledger.snapshot();
    assert!(
        matches!(taken, Err(SnapshotError::Displaced(Displaced))),
        "{taken:?}"
    );
    assert_eq!(names_in(&dir), [""; 0]);
}
