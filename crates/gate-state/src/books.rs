//! All clients' accounts in memory, and what they share. Derived from the journal, wholly: no
//! I/O here.

pub(crate) mod kill;
mod replay;
pub(crate) mod symbols;

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gate_types::{NetNotional, Timestamp};
use parking_lot::{Mutex, RwLock};

use crate::account::event::Event;
use crate::account::image::AccountImage;
use crate::account::{Account, Effect, net_notional};
use crate::record::codec;
use crate::record::{ContextId, DecisionContext, DecisionRecord, Status};
use kill::KillSwitches;
pub(crate) use replay::FORGET_PER_DECISION;
use symbols::{Symbols, Texts};

const SHARDS: usize = 256;
/// Calls of housekeeping until every client was visited once.
const VISITS: usize = 16;

pub(crate) type SharedAccount = Arc<Mutex<Account>>;
type Shard = RwLock<HashMap<Box<str>, SharedAccount>>;

/// Everything in memory.
pub(crate) struct Books {
    hasher: RandomState,
    shards: [Shard; SHARDS],
    pub(crate) symbols: Symbols,
    contexts: BTreeMap<ContextId, Arc<DecisionContext>>,
    remembered: AtomicUsize,
    visit: AtomicUsize,
    pub(crate) kills: KillSwitches,
}

impl Default for Books {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Shard::default()),
            symbols: Symbols::default(),
            contexts: BTreeMap::new(),
            remembered: AtomicUsize::new(0),
            visit: AtomicUsize::new(0),
            kills: KillSwitches::default(),
        }
    }
}

impl Books {
    /// The client's account, made if there is none.
    pub(crate) fn account(&self, client_id: &str) -> SharedAccount {
        let shard = self.shard(client_id);
        if let Some(account) = shard.read().get(client_id) {
            return Arc::clone(account);
        }
        Arc::clone(shard.write().entry(client_id.into()).or_default())
    }

    /// The client's account, if there is one.
    pub(crate) fn known_account(&self, client_id: &str) -> Option<SharedAccount> {
        self.shard(client_id).read().get(client_id).map(Arc::clone)
    }

    fn shard(&self, client_id: &str) -> &RwLock<HashMap<Box<str>, SharedAccount>> {
        let [.., high, _] = self.hasher.hash_one(client_id).to_le_bytes();
        let [first, ..] = &self.shards;
        // INVARIANT: a byte is below the number of shards.
        self.shards.get(usize::from(high)).unwrap_or(first)
    }

    /// Net positions of a client, in order of symbol; those that are zero are not among them.
    pub(crate) fn positions(&self, client_id: &str) -> Vec<(Arc<str>, NetNotional)> {
        let Some(account) = self.known_account(client_id) else {
            return Vec::new();
        };
        let held: Vec<_> = account.lock().positions().collect();
        let named = |(symbol, net)| (self.symbols.text(symbol), net_notional(net));
        let mut positions: Vec<_> = held.into_iter().map(named).collect();
        positions.sort_unstable();
        positions
    }

    /// Puts an account in place, from a snapshot.
    pub(crate) fn restore(&self, client_id: &str, account: SharedAccount) {
        let orders = account.lock().len();
        self.remembered.fetch_add(orders, Ordering::Relaxed);
        self.shard(client_id)
            .write()
            .insert(client_id.into(), account);
    }

    /// Every context, oldest first.
    pub(crate) fn contexts(&self) -> Vec<(ContextId, Arc<DecisionContext>)> {
        let contexts = self.contexts.iter();
        contexts
            .map(|(id, context)| (*id, Arc::clone(context)))
            .collect()
    }

    /// Applies an event to an account, keeping count of remembered orders.
    pub(crate) fn apply(&self, account: &mut Account, event: &Event) -> Effect {
        let before = account.len();
        let effect = account.apply(event);
        let added = account.len().saturating_sub(before);
        self.remembered.fetch_add(added, Ordering::Relaxed);
        effect
    }

    /// As [`Account::forget`], keeping count.
    pub(crate) fn forget(
        &self,
        account: &mut Account,
        now: Timestamp,
        window_ns: u64,
        limit: usize,
    ) -> usize {
        let gone = account.forget(now, window_ns, limit);
        if gone > 0 {
            self.remembered.fetch_sub(gone, Ordering::Relaxed);
        }
        gone
    }

    /// Forgets whatever ended longer than `window_ns` before `now`, of everyone.
    pub(crate) fn forget_all(&self, now: Timestamp, window_ns: u64) {
        for client in self.clients() {
            if let Some(account) = self.known_account(&client) {
                self.forget(&mut account.lock(), now, window_ns, usize::MAX);
            }
        }
    }

    /// Every account, in no order, as of now: others may come meanwhile.
    pub(crate) fn accounts(&self) -> Vec<SharedAccount> {
        let mut accounts = Vec::new();
        for shard in &self.shards {
            accounts.extend(shard.read().values().map(Arc::clone));
        }
        accounts
    }

    /// The clients whose turn it is for housekeeping: each is named once in [`VISITS`] calls.
    pub(crate) fn next_visits(&self) -> Vec<Box<str>> {
        let turn = self.visit.fetch_add(1, Ordering::Relaxed) % VISITS;
        let mut clients = Vec::new();
        for shard in self.shards.iter().skip(turn).step_by(VISITS) {
            clients.extend(shard.read().keys().cloned());
        }
        clients
    }

    /// Drops a client of whom nothing is left. `false` when something is, after all, or somebody
    /// is about to use it.
    pub(crate) fn close_blank(&self, client_id: &str, now: Timestamp) -> bool {
        let mut shard = self.shard(client_id).write();
        // INVARIANT: an account is only ever reached through its shard, so whoever could use it
        // holds a second reference now or none at all.
        let blank = shard
            .get(client_id)
            .is_some_and(|account| Arc::strong_count(account) == 1 && account.lock().is_blank(now));
        if blank {
            shard.remove(client_id);
        }
        blank
    }

    /// Orders remembered, over all clients.
    pub(crate) fn remembered(&self) -> usize {
        self.remembered.load(Ordering::Relaxed)
    }

    /// The number that stands for the symbol of what a decision holds; of no meaning when that is
    /// nothing. `None` for a new symbol when there are `most`.
    pub(crate) fn symbol_of(&self, decision: &DecisionRecord<'_>, most: usize) -> Option<u32> {
        match decision.status {
            Status::Authorized => self.symbols.number_among(&decision.symbol, most),
            Status::Blocked => Some(u32::MAX),
        }
    }

    pub(crate) fn add_context(&mut self, id: ContextId, context: DecisionContext) {
        self.contexts.insert(id, Arc::new(context));
    }

    /// The context in force.
    pub(crate) fn newest_context(&self) -> Option<ContextId> {
        self.contexts.last_key_value().map(|(id, _)| *id)
    }

    pub(crate) fn context(&self, id: ContextId) -> Option<Arc<DecisionContext>> {
        self.contexts.get(&id).map(Arc::clone)
    }

    /// SHA-256 over every account and kill switch, as of `now`.
    pub(crate) fn state_hash(&self, now: Timestamp, window_ns: u64) -> [u8; 32] {
        let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
        let mut bytes = Vec::new();
        let mut copy = AccountImage::default();
        let mut symbols = Texts::default();
        self.symbols.catch_up(&mut symbols);
        for client in self.clients() {
            let Some(account) = self.known_account(&client) else {
                continue;
            };
            let account = account.lock();
            if account.is_blank_as_of(now, window_ns) {
                continue;
            }
            bytes.clear();
            copy.take(&account, now);
            copy.forget(now, window_ns);
            copy.encode(&client, &symbols, &mut bytes);
            hash.update(&bytes);
        }
        for switch in self.kills.thrown() {
            bytes.clear();
            codec::encode(switch.at, &switch.kill, &mut bytes);
            // Without the time, which is not the switch's.
            hash.update(bytes.get(codec::HEAD_BYTES..).unwrap_or_default());
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(hash.finish().as_ref());
        digest
    }

    /// Names of all clients, in order, as of now: others may come meanwhile.
    pub(crate) fn clients(&self) -> Vec<Box<str>> {
        let mut names: Vec<Box<str>> = Vec::new();
        for shard in &self.shards {
            names.extend(shard.read().keys().cloned());
        }
        names.sort_unstable();
        names
    }
}
