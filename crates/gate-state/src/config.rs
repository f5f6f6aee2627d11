//! How a ledger is set up. Values only; nothing is read from the environment.

use std::path::PathBuf;

/// The longest useful dedupe window: 31 days, in nanoseconds.
///
/// Replay uses this window, or the configured one if that is longer, whatever window the journal
/// was written with: a later record may name an order that was still remembered then.
pub const LONGEST_DEDUPE_WINDOW_NS: u64 = 31 * 86_400 * 1_000_000_000;

/// When a caller may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// After the record is on disk: nothing answered is ever lost.
    #[default]
    Strict,
    /// At once. The journal is written and synced in the same way, only nobody waits: a crash
    /// loses what was queued or in the commit in flight, at most `queue_capacity` records.
    Relaxed,
}

/// The settings of a [`Ledger`](crate::Ledger).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerConfig {
    /// Directory of the store; created if missing.
    pub dir: PathBuf,
    /// When a caller may answer.
    pub durability: Durability,
    /// Most records that may be queued or in the commit in flight. Further ones are refused.
    pub queue_capacity: u64,
    /// How long an order is remembered after it ended, in nanoseconds. May differ at each opening,
    /// but should not exceed [`LONGEST_DEDUPE_WINDOW_NS`]: after a longer one, opening with a
    /// shorter one can take valid records for damage.
    pub dedupe_window_ns: u64,
    /// Most orders remembered at once, over all clients.
    pub max_orders: usize,
    /// Most orders remembered of one client, so that none takes all the room.
    pub max_orders_per_client: usize,
    /// Most symbols in which orders are authorized, for as long as the process lives.
    pub max_symbols: usize,
    /// Most fills and releases by quantity of one order. Each is remembered (32 bytes), so that its
    /// repetition is recognized. Further ones are refused; releasing all that is open never is.
    /// Releases by quantity are refused from half of it on, so that they leave room for fills.
    pub max_reports_per_order: usize,
    /// How long after its token's expiry a hold in doubt is given back, in nanoseconds. `None`: it
    /// stays until the venue reports.
    pub in_doubt_release_ns: Option<u64>,
    /// Records after which [`Ledger::maintain`](crate::Ledger::maintain) takes a snapshot, to bound
    /// the next start's replay; half the number of remembered orders, if that is more. Zero: never.
    pub snapshot_every: u64,
    /// Size in bytes at which the write-ahead log is checkpointed. A checkpoint's writes and syncs
    /// hold up commits on the same disk, so small and frequent ones disturb least.
    pub checkpoint_bytes: u64,
    /// Size in bytes at which the writer stops while another process's read transaction (a backup,
    /// a forgotten shell) keeps the write-ahead log from starting over. The queue then fills, and
    /// further records are refused.
    pub max_wal_bytes: u64,
    /// Make the write-ahead log its full length when the store is opened: a commit within the
    /// length of its file is synced faster than one that makes it longer. Costs that many bytes
    /// of writing at each start.
    pub lengthen_wal: bool,
    /// Nice levels by which the writer's thread is preferred to the process's others, 0 to 20, as
    /// every caller waits for it. Linux only, and only with `CAP_SYS_NICE`; otherwise nothing
    /// changes and the log says so.
    pub writer_priority: u8,
}

impl LedgerConfig {
    /// Strict durability and the default bounds, in `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        const DAY_NS: u64 = 86_400_000_000_000;
        Self {
            dir: dir.into(),
            durability: Durability::Strict,
            queue_capacity: 65_536,
            dedupe_window_ns: DAY_NS,
            max_orders: 20_000_000,
            max_orders_per_client: 5_000_000,
            max_symbols: 1_000_000,
            max_reports_per_order: 65_536,
            in_doubt_release_ns: None,
            snapshot_every: 1_000_000,
            checkpoint_bytes: 4 * 1024 * 1024,
            max_wal_bytes: 4 * 1024 * 1024 * 1024,
            lengthen_wal: false,
            writer_priority: 0,
        }
    }

    /// The size at which the writer stops: the log is checkpointed before that.
    pub(crate) fn wal_limit_bytes(&self) -> u64 {
        self.max_wal_bytes.max(self.checkpoint_bytes)
    }
}
