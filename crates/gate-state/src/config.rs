//! How a ledger is set up. Values only; nothing is read from the environment.

use std::path::PathBuf;

/// The longest that an order need be remembered after it ended: 31 days, in nanoseconds.
///
/// A journal is replayed with this window, or with a longer one that is configured, whatever window it
/// was written with: what was remembered then may be named by a record that follows.
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
    /// Where the store lives; created if missing.
    pub dir: PathBuf,
    /// When a caller may answer.
    pub durability: Durability,
    /// Records that may wait for the disk, those in the commit in flight included. Further ones
    /// are refused.
    pub queue_capacity: u64,
    /// How long an order is remembered after it ended, in nanoseconds. It may be another one each time
    /// the store is opened, but should be no longer than [`LONGEST_DEDUPE_WINDOW_NS`]: with a shorter
    /// one after that, what was remembered longer is taken for damage.
    pub dedupe_window_ns: u64,
    /// Orders that may be remembered at once, over all clients.
    pub max_orders: usize,
    /// Of them, orders of one client: nobody takes all the room.
    pub max_orders_per_client: usize,
    /// How long after its token's expiry an unconfirmed hold is given back, in nanoseconds.
    /// `None`: it stays until the venue's word comes.
    pub in_doubt_release_ns: Option<u64>,
    /// Records after which [`Ledger::maintain`](crate::Ledger::maintain) takes a snapshot, to
    /// bound the next start; or as many as half of the orders remembered, if that is more. Zero:
    /// never.
    pub snapshot_every: u64,
    /// Bytes of write-ahead log after which it is checkpointed. What a checkpoint writes and syncs
    /// at once holds up the commits that share its disk, so little and often is what nobody notices.
    pub checkpoint_bytes: u64,
    /// Bytes of write-ahead log beyond which nothing is written while another process's read
    /// transaction (a backup, a forgotten shell) keeps it from starting over. The queue then
    /// fills, and what does not fit is refused.
    pub max_wal_bytes: u64,
    /// Make the write-ahead log its full length when the store is opened: a commit within the
    /// length of its file is synced faster than one that makes it longer. Costs that many bytes
    /// of writing at each start.
    pub lengthen_wal: bool,
    /// Nice levels by which the writer's thread is preferred to the process's others, 0 to 20:
    /// what everybody waits for should not wait for a core. Linux only, and only where the
    /// process may (`CAP_SYS_NICE`); elsewhere the thread stays as it is, and the log says so.
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
            in_doubt_release_ns: None,
            snapshot_every: 1_000_000,
            checkpoint_bytes: 4 * 1024 * 1024,
            max_wal_bytes: 4 * 1024 * 1024 * 1024,
            lengthen_wal: false,
            writer_priority: 0,
        }
    }
}
