//! The ledger: its parts, and their start and end. What it does with orders is in `decide`, `life` and
//! `fill`.

use std::cell::RefCell;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::task::Poll;
use std::thread::JoinHandle;

use gate_types::{Clock, Timestamp};
use parking_lot::{Mutex, RwLock};
use rusqlite::Connection;

use crate::books::Books;
use crate::chain::{close_frame, open_frame};
use crate::checkpoint::{Checkpoints, WalKeeper};
use crate::codec::encode;
use crate::commits::Commits;
use crate::config::{Durability, LedgerConfig};
use crate::durable::{CommitListener, Durable, WaitFor};
use crate::error::{NotDurable, OpenError, RecordError};
use crate::health::{Nice, SqliteInfo};
use crate::pace::Pace;
use crate::queue::{Queue, Room};
use crate::read::Readers;
use crate::rebuild::{Tail, rebuild};
use crate::record::{ContextId, DecisionContext, Record, Seq};
use crate::resync::resync;
use crate::snapshot;
use crate::store::{self, Appender, Paths};
use crate::writer::Writer;

/// Every client's exposure, in memory and in a journal. See the crate's documentation.
///
/// Dropping it writes what is queued and closes the store; [`Ledger::shutdown`] does the same
/// and says whether it worked.
pub struct Ledger {
    pub(crate) config: LedgerConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) paths: Paths,
    /// Written to swap the whole (recovery), to throw a kill switch, to put another policy or key
    /// on the record, and when a snapshot begins.
    pub(crate) books: RwLock<Books>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) durable: Arc<Durable>,
    pub(crate) readers: Readers,
    pub(crate) commits: Arc<Commits>,
    pub(crate) checkpoints: Arc<Checkpoints>,
    pub(crate) threads: Mutex<Threads>,
    pub(crate) store_id: [u8; 16],
    /// Held by whoever takes a snapshot.
    pub(crate) snapshots: Mutex<()>,
    /// A snapshot is being taken: no account may be closed.
    pub(crate) taking_snapshot: AtomicBool,
    /// Where the last snapshot begins.
    pub(crate) snapshot_seq: AtomicU64,
    /// The last record that was pruned.
    pub(crate) begin_seq: AtomicU64,
    pub(crate) recoveries: AtomicU64,
    pub(crate) sqlite: SqliteInfo,
    pub(crate) writer_nice: Arc<Nice>,
    /// For syncing it. INVARIANT: closed after every connection of this ledger; closing a file
    /// ends the process's locks on it (`fcntl`), SQLite's among them.
    pub(crate) database: Arc<File>,
    _lock: File,
}

#[derive(Default)]
pub(crate) struct Threads {
    writer: Option<JoinHandle<bool>>,
    checkpointer: Option<JoinHandle<()>>,
}

impl Ledger {
    /// Opens the store in the configured directory, making it if there is none, and rebuilds
    /// every client's state from the journal, verifying it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(config: LedgerConfig, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        std::fs::create_dir_all(&config.dir)?;
        let paths = Paths::new(&config.dir);
        let lock = paths.lock()?;
        paths.check_not_lost(&lock)?;
        let Loaded {
            books,
            tail,
            conn,
            store_id,
            snapshot_seq,
            begin_seq,
        } = load(&config, &paths, &*clock)?;
        paths.note_journal(&lock, &store_id)?;
        let sqlite = SqliteInfo::of(&conn)?;
        let ledger = Self {
            sqlite,
            writer_nice: Arc::default(),
            queue: Arc::new(Queue::after(tail.seq, config.queue_capacity)),
            durable: Arc::new(Durable::at(tail.seq)),
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
            _lock: lock,
        };
        ledger.start(&mut ledger.threads.lock(), Appender::new(conn, tail.chain)?)?;
        Ok(ledger)
    }

    /// Records the policy and signing key in force. Decisions name it.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn set_context(&self, context: DecisionContext) -> Result<ContextId, RecordError> {
        self.change_context(context, |_| {})
    }

    /// As [`Ledger::set_context`]. `put_in_force` is called while no order is being decided: each one with a
    /// later number than this record's is decided in the new context, each one before in another. It
    /// must not call the ledger.
    ///
    /// # Errors
    /// [`RecordError`]; then it was not called.
    pub fn change_context(
        &self,
        context: DecisionContext,
        put_in_force: impl FnOnce(ContextId),
    ) -> Result<ContextId, RecordError> {
        let record = Record::Context(context);
        let mut books = self.books.write();
        let id = ContextId::of(self.push(self.clock.now(), &record)?);
        if let Record::Context(context) = record {
            books.add_context(id, context);
        }
        put_in_force(id);
        Ok(id)
    }

    /// Blocks until a record is durable. Under [`Durability::Relaxed`] nobody waits for a
    /// [`WaitFor::Commit`]: this returns at once.
    ///
    /// # Errors
    /// [`NotDurable`] when it is not and, as far as is known, will not be.
    pub fn wait(&self, what: impl Into<WaitFor>) -> Result<(), NotDurable> {
        let what = what.into();
        match self.poll_durable(what) {
            Poll::Ready(known) => known,
            Poll::Pending => self.durable.wait(what.seq().get()),
        }
    }

    /// As [`Ledger::wait`], without blocking. After `Pending`, ask again when a
    /// [`CommitListener`] was told of something.
    pub fn poll_durable(&self, what: impl Into<WaitFor>) -> Poll<Result<(), NotDurable>> {
        let what = what.into();
        let known = self.durable.state_of(what.seq().get());
        let at_once = match (what, self.config.durability) {
            (WaitFor::Commit(_), Durability::Relaxed) => Some(Ok(())),
            (WaitFor::Commit(_), Durability::Strict) | (WaitFor::Disk(_), _) => None,
        };
        known.or(at_once).map_or(Poll::Pending, Poll::Ready)
    }

    /// The last record on disk; everything before it is, too.
    pub fn durable_seq(&self) -> Seq {
        Seq::new(self.durable.seq())
    }

    /// Has `listener` told of every commit from now on.
    pub fn subscribe(&self, listener: Arc<dyn CommitListener>) {
        self.durable.subscribe(listener);
    }

    /// SHA-256 over everything in memory that the journal determines, as of now. Two ledgers
    /// with the same journal have the same. Only meaningful while nothing is being decided.
    pub fn state_hash(&self) -> [u8; 32] {
        let books = self.books.read();
        books.state_hash(self.clock.now(), self.config.dedupe_window_ns)
    }

    /// Takes nothing more, writes what is queued, empties the write-ahead log and ends the
    /// threads. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`NotDurable`] when a commit has failed and was not recovered.
    pub fn shutdown(&self) -> Result<(), NotDurable> {
        let mut threads = self.threads.lock();
        self.queue.close();
        self.stop(&mut threads);
        let failed = self.queue.is_poisoned();
        // Whoever still waits for more waits in vain.
        self.durable.fail();
        if failed { Err(NotDurable) } else { Ok(()) }
    }

    /// Encodes a record and queues it under the next number.
    pub(crate) fn push(&self, at: Timestamp, record: &Record<'_>) -> Result<u64, RecordError> {
        thread_local! {
            static FRAME: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        FRAME.with_borrow_mut(|frame| {
            open_frame(frame);
            encode(at, record, frame);
            close_frame(frame);
            self.queue.push(frame, room_of(record))
        })
    }

    pub(crate) fn start(&self, threads: &mut Threads, appender: Appender) -> Result<(), OpenError> {
        self.checkpoints.restart();
        let conn = store::connect(&self.paths)?;
        let (checkpoints, clock) = (Arc::clone(&self.checkpoints), Arc::clone(&self.clock));
        let database = Arc::clone(&self.database);
        let keeper = WalKeeper::new(Arc::clone(&checkpoints), &self.config);
        let writer = Writer {
            queue: Arc::clone(&self.queue),
            durable: Arc::clone(&self.durable),
            commits: Arc::clone(&self.commits),
            clock: Arc::clone(&clock),
            appender,
            keeper,
            pace: Pace::new(),
        };
        threads.checkpointer = Some(spawn("gate-checkpoint", move || {
            checkpoints.run(&conn, &database, &*clock);
        })?);
        let priority = self.config.writer_priority;
        let in_force = Arc::clone(&self.writer_nice);
        threads.writer = Some(spawn("gate-journal", move || {
            prefer(priority, &in_force);
            writer.run()
        })?);
        Ok(())
    }

    /// Ends both threads; the queue must be closed or poisoned.
    pub(crate) fn stop(&self, threads: &mut Threads) {
        self.checkpoints.stop();
        if let Some(thread) = threads.checkpointer.take() {
            let _ = thread.join();
        }
        if let Some(thread) = threads.writer.take() {
            let _ = thread.join();
        }
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

pub(crate) struct Loaded {
    pub(crate) books: Books,
    pub(crate) tail: Tail,
    pub(crate) conn: Connection,
    store_id: [u8; 16],
    snapshot_seq: u64,
    begin_seq: u64,
}

/// Opens the database and rebuilds the books from it. Nothing new is written but an empty schema.
pub(crate) fn load(
    config: &LedgerConfig,
    paths: &Paths,
    clock: &dyn Clock,
) -> Result<Loaded, OpenError> {
    resync(paths)?;
    let mut conn = store::connect(paths)?;
    let store_id = store::prepare(&mut conn, clock.now().unix_nanos())?;
    // Nobody waits yet: start with an empty WAL, whatever the last process left.
    store::checkpoint(&conn, "TRUNCATE")?;
    let snapshot = snapshot::load(paths, &conn, &store_id);
    let snapshot_seq = snapshot.as_ref().map_or(0, |snapshot| snapshot.begin.seq);
    let begin_seq = store::begin(&conn, &store_id)?.seq;
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

/// A kill switch is for when things go wrong: a full queue does not keep it out, nor what a reload says.
const fn room_of(record: &Record<'_>) -> Room {
    match record {
        Record::Kill(_) | Record::Context(_) => Room::Always,
        _ => Room::IfAny,
    }
}

/// Prefers the calling thread to others by so many nice levels, and notes what came of it.
#[cfg(target_os = "linux")]
fn prefer(levels: u8, in_force: &Nice) {
    use rustix::process::{getpriority_process, setpriority_process};
    let thread = Some(rustix::thread::gettid());
    let preferred = |nice: i32| nice.saturating_sub(i32::from(levels)).max(-20);
    let set = |nice| setpriority_process(thread, preferred(nice));
    if levels > 0
        && let Err(error) = getpriority_process(thread).and_then(set)
    {
        tracing::info!(%error, "the journal's thread has no priority over others");
    }
    if let Ok(nice) = getpriority_process(thread) {
        in_force.set(nice);
    }
}

/// Other systems order threads in other ways.
#[cfg(not(target_os = "linux"))]
fn prefer(_levels: u8, _in_force: &Nice) {}

fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, OpenError> {
    Ok(std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)?)
}
