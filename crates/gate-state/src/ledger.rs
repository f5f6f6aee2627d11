//! The ledger: its parts, start and end. Each operation is in a file of its own below.

mod ask;
mod decide;
mod fill;
mod health;
mod kill;
mod maintain;
#[cfg(test)]
pub(crate) mod opened;
mod position;
mod prune;
mod recover;
mod release;
mod snapshot;
mod threads;

use std::cell::RefCell;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::task::Poll;

use gate_types::{Clock, Timestamp};
use parking_lot::{Mutex, RwLock};
use rusqlite::Connection;

use crate::books::Books;
use crate::commit::checkpoint::Checkpoints;
use crate::commit::durable::{CommitListener, Durable, WaitFor};
use crate::commit::queue::{Admission, Queue};
use crate::commit::times::Commits;
use crate::config::{Durability, LedgerConfig};
use crate::error::{NotDurable, OpenError, RecordError};
use crate::journal::read::Readers;
use crate::journal::rebuild::rebuild;
use crate::record::body::Body;
use crate::record::chain::{ChainPoint, close_frame, open_frame};
use crate::record::codec::encode;
use crate::record::{ContextId, DecisionContext, Seq};
use crate::store::anchor;
use crate::store::resync::resync;
use crate::store::{self, Appender, Paths};
pub use ask::{InDoubt, OpenOrders, StoredDecision};
pub use decide::{Decided, Decision, Judgement, MAX_EXPOSURE, NewOrder, POLICY_DENIED};
pub use fill::{Filled, NewFill};
use health::Nice;
pub use health::{Health, JournalState, SqliteInfo};
pub use kill::Switched;
pub use maintain::Maintained;
pub use position::{PositionSet, SetPosition};
pub use release::Released;
use threads::Threads;

/// Most bytes of a record. SQLite fails a row of a gigabyte, and with it the commit of everyone.
const MAX_RECORD_BYTES: usize = 1 << 20;

/// Every client's exposure, in memory and in a journal. See the crate's documentation.
///
/// Dropping it writes what is queued and closes the store; [`Ledger::shutdown`] does the same
/// and says whether it worked.
pub struct Ledger {
    config: LedgerConfig,
    clock: Arc<dyn Clock>,
    paths: Paths,
    /// Locked for writing by a recovery, a kill switch, a context change, and the beginning of a
    /// snapshot.
    books: RwLock<Books>,
    queue: Arc<Queue>,
    durable: Arc<Durable>,
    readers: Readers,
    commits: Arc<Commits>,
    checkpoints: Arc<Checkpoints>,
    threads: Mutex<Threads>,
    store_id: [u8; 16],
    /// Held while a snapshot is taken: one at a time.
    snapshots: Mutex<()>,
    /// A snapshot is being taken: no account may be closed.
    taking_snapshot: AtomicBool,
    /// Number of the record where the last snapshot begins.
    snapshot_seq: AtomicU64,
    /// Number of the last record pruned.
    begin_seq: AtomicU64,
    recoveries: AtomicU64,
    sqlite: SqliteInfo,
    writer_nice: Arc<Nice>,
    /// For syncing it. INVARIANT: closed after every connection of this ledger; closing a file
    /// ends the process's locks on it (`fcntl`), SQLite's among them.
    database: Arc<File>,
    /// INVARIANT: closed last; another process may open the store then.
    lock: Arc<File>,
}

impl Ledger {
    /// Opens the store in the configured directory, creating it if there is none. Loads the
    /// snapshot, then verifies and replays the journal from there. A relative directory stays the
    /// one that it is now, whatever the process's working directory becomes.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(mut config: LedgerConfig, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        config.dir = std::path::absolute(&config.dir)?;
        std::fs::create_dir_all(&config.dir)?;
        let paths = Paths::new(&config.dir);
        let lock = paths.lock()?;
        paths.has_journal()?;
        paths.make_database()?;
        let Loaded {
            books,
            tail,
            conn,
            store_id,
            snapshot_seq,
            begin_seq,
        } = load(&config, &paths, &*clock, paths.noted_store()?.as_deref())?;
        paths.note_journal(&lock, &store_id)?;
        let sqlite = SqliteInfo::of(&conn)?;
        let ledger = Self {
            sqlite,
            writer_nice: Arc::default(),
            queue: Arc::new(Queue::after(tail.seq.get(), config.queue_capacity)),
            durable: Arc::new(Durable::at(tail.seq.get())),
            books: RwLock::new(books),
            readers: Readers::default(),
            commits: Arc::default(),
            checkpoints: Arc::default(),
            threads: Mutex::default(),
            store_id,
            snapshots: Mutex::default(),
            taking_snapshot: AtomicBool::new(false),
            snapshot_seq: AtomicU64::new(snapshot_seq),
            begin_seq: AtomicU64::new(begin_seq),
            recoveries: AtomicU64::new(0),
            database: Arc::new(File::open(&paths.database)?),
            config,
            clock,
            paths,
            lock: Arc::new(lock),
        };
        ledger.start(&mut ledger.threads.lock(), Appender::new(conn, tail.hash)?)?;
        Ok(ledger)
    }

    /// Records the policy and signing key now in force. Decisions name the id.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn set_context(&self, context: DecisionContext) -> Result<ContextId, RecordError> {
        self.change_context(context, |_| {})
    }

    /// Like [`Ledger::set_context`]. `put_in_force` runs while no order is being decided: decisions
    /// with a later number than this record's are made in the new context, all before in another.
    /// It must not call the ledger.
    ///
    /// # Errors
    /// [`RecordError`]; `put_in_force` was not called.
    pub fn change_context(
        &self,
        context: DecisionContext,
        put_in_force: impl FnOnce(ContextId),
    ) -> Result<ContextId, RecordError> {
        let mut books = self.books.write();
        let id = ContextId::of(self.push_always(self.clock.now(), &context)?);
        books.add_context(id, context);
        put_in_force(id);
        Ok(id)
    }

    /// Blocks until a record is durable. Under [`Durability::Relaxed`] it returns at once for a
    /// [`WaitFor::Commit`].
    ///
    /// # Errors
    /// [`NotDurable`] if it is not and, as far as is known, will not be; so, too, for a number that no
    /// record has yet.
    pub fn wait(&self, what: impl Into<WaitFor>) -> Result<(), NotDurable> {
        let what = what.into();
        match self.poll_durable(what) {
            Poll::Ready(known) => known,
            Poll::Pending if self.is_allotted(what.seq()) => self.durable.wait(what.seq().get()),
            Poll::Pending => Err(NotDurable),
        }
    }

    /// Like [`Ledger::wait`], without blocking. After `Pending`, ask again when a
    /// [`CommitListener`] was called. A number that no record has yet is `Pending`.
    pub fn poll_durable(&self, what: impl Into<WaitFor>) -> Poll<Result<(), NotDurable>> {
        let what = what.into();
        let known = self.durable.state_of(what.seq().get());
        let at_once = match (what, self.config.durability) {
            (WaitFor::Commit(_), Durability::Relaxed) => Some(Ok(())),
            (WaitFor::Commit(_), Durability::Strict) | (WaitFor::Disk(_), _) => None,
        };
        known.or(at_once).map_or(Poll::Pending, Poll::Ready)
    }

    /// Whether some record has this number. Whoever was given it finds it so.
    fn is_allotted(&self, seq: Seq) -> bool {
        seq.get() <= self.queue.last_allotted()
    }

    /// The last durable record; all before it are durable, too.
    pub fn durable_seq(&self) -> Seq {
        Seq::new(self.durable.seq())
    }

    /// Calls `listener` at every commit from now on.
    pub fn subscribe(&self, listener: Arc<dyn CommitListener>) {
        self.durable.subscribe(listener);
    }

    /// SHA-256 over orders, positions, rates and kill switches, as of now. Equal for ledgers with the
    /// same journal as long as the clock was never put back. After that the orders of the last
    /// second that are counted and the ended ones that are remembered depend on queries and
    /// housekeeping, too, which are not on the record; amounts never do. Only meaningful while
    /// nothing is being decided.
    pub fn state_hash(&self) -> [u8; 32] {
        let books = self.books.read();
        books.state_hash(self.clock.now(), self.config.dedupe_window_ns)
    }

    /// Takes no more records, writes what is queued, empties the write-ahead log and ends the
    /// threads. A repetition changes nothing. On the writer's own thread, where a listener drops
    /// the ledger, it does not wait for that.
    ///
    /// # Errors
    /// [`NotDurable`] if a commit failed and the ledger was not recovered.
    pub fn shutdown(&self) -> Result<(), NotDurable> {
        let ended = {
            let mut threads = self.threads.lock();
            self.queue.close();
            self.stop(&mut threads)
        };
        let failed = self.queue.is_poisoned();
        if ended {
            // Nothing more becomes durable.
            self.durable.fail();
        }
        if failed { Err(NotDurable) } else { Ok(()) }
    }

    /// Encodes a record and queues it under the next number, if there is room.
    fn push(&self, at: Timestamp, record: &impl Body) -> Result<u64, RecordError> {
        self.push_with(at, record, Admission::Bounded)
    }

    /// Like [`Self::push`], also into a full queue: for kill switches, which are needed when things
    /// go wrong, and for context records.
    fn push_always(&self, at: Timestamp, record: &impl Body) -> Result<u64, RecordError> {
        self.push_with(at, record, Admission::Unbounded)
    }

    fn push_with(
        &self,
        at: Timestamp,
        record: &impl Body,
        admission: Admission,
    ) -> Result<u64, RecordError> {
        thread_local! {
            static FRAME: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        FRAME.with_borrow_mut(|frame| {
            open_frame(frame);
            encode(at, record, frame);
            if frame.len() > MAX_RECORD_BYTES {
                *frame = Vec::new();
                return Err(RecordError::TooLarge);
            }
            close_frame(frame);
            self.queue.push(frame, admission)
        })
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let _ = self.shutdown();
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger")
            .field("config", &self.config)
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}

struct Loaded {
    books: Books,
    tail: ChainPoint,
    conn: Connection,
    store_id: [u8; 16],
    snapshot_seq: u64,
    begin_seq: u64,
}

/// Opens the database and rebuilds the books from it. Appends nothing to the journal. `noted`: as
/// for [`store::prepare`], which creates a store only without it.
fn load(
    config: &LedgerConfig,
    paths: &Paths,
    clock: &dyn Clock,
    noted: Option<&str>,
) -> Result<Loaded, OpenError> {
    resync(paths)?;
    let mut conn = store::connect(paths)?;
    let store_id = store::prepare(&mut conn, clock.now().unix_nanos(), noted)?;
    // Nobody waits yet: start with an empty WAL, whatever the last process left.
    store::checkpoint(&conn, "TRUNCATE")?;
    let snapshot = crate::snapshot::load(paths, &conn, &store_id)?;
    let snapshot_seq = snapshot
        .as_ref()
        .map_or(0, |snapshot| snapshot.begin.seq.get());
    let begin_seq = anchor::begin(&conn, &store_id)?.seq.get();
    let (books, tail) = rebuild(&conn, &store_id, snapshot, config.dedupe_window_ns)?;
    books.forget_all(clock.now(), config.dedupe_window_ns);
    if config.lengthen_wal {
        // More than the threshold: commits go on while the bulk is checkpointed.
        let bytes = config.checkpoint_bytes.saturating_mul(2);
        store::lengthen_wal(&conn, bytes)?;
    }
    Ok(Loaded {
        books,
        tail,
        conn,
        store_id,
        snapshot_seq,
        begin_seq,
    })
}
