//! All clients' accounts in memory, and what they share. Derived from the journal, wholly: no
//! I/O here.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::account::{Account, Effect, Event};
use crate::kill::KillSwitches;
use crate::record::{ContextId, DecisionContext};

const SHARDS: usize = 256;

pub(crate) type SharedAccount = Arc<Mutex<Account>>;
type Shard = RwLock<HashMap<Box<str>, SharedAccount>>;

/// Everything in memory.
pub(crate) struct Books {
    hasher: RandomState,
    shards: [Shard; SHARDS],
    symbols: RwLock<Symbols>,
    contexts: RwLock<BTreeMap<ContextId, Arc<DecisionContext>>>,
    remembered: AtomicUsize,
    pub(crate) kills: KillSwitches,
}

#[derive(Default)]
struct Symbols {
    numbers: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
}

impl Default for Books {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Shard::default()),
            symbols: RwLock::default(),
            contexts: RwLock::default(),
            remembered: AtomicUsize::new(0),
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

    /// Applies an event to an account, keeping count of remembered orders.
    pub(crate) fn apply(&self, account: &mut Account, event: &Event) -> Effect {
        let before = account.orders.len();
        let effect = account.apply(event);
        let added = account.orders.len().saturating_sub(before);
        self.remembered.fetch_add(added, Ordering::Relaxed);
        effect
    }

    /// As [`Account::forget`], keeping count.
    pub(crate) fn forget(
        &self,
        account: &mut Account,
        now: gate_types::Timestamp,
        window_ns: u64,
        limit: usize,
    ) {
        let gone = account.forget(now, window_ns, limit);
        if gone > 0 {
            self.remembered.fetch_sub(gone, Ordering::Relaxed);
        }
    }

    /// Orders remembered, over all clients.
    pub(crate) fn remembered(&self) -> usize {
        self.remembered.load(Ordering::Relaxed)
    }

    /// The number that stands for a symbol.
    pub(crate) fn symbol_number(&self, symbol: &str) -> u32 {
        if let Some(number) = self.symbols.read().numbers.get(symbol) {
            return *number;
        }
        let mut symbols = self.symbols.write();
        if let Some(number) = symbols.numbers.get(symbol) {
            return *number;
        }
        let number = u32::try_from(symbols.texts.len()).unwrap_or(u32::MAX);
        let text: Arc<str> = symbol.into();
        symbols.texts.push(Arc::clone(&text));
        symbols.numbers.insert(text, number);
        number
    }

    /// The symbol that a number stands for.
    pub(crate) fn symbol_text(&self, number: u32) -> Arc<str> {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        self.symbols
            .read()
            .texts
            .get(index)
            .map_or_else(|| Arc::from(""), Arc::clone)
    }

    pub(crate) fn add_context(&self, id: ContextId, context: DecisionContext) {
        self.contexts.write().insert(id, Arc::new(context));
    }

    pub(crate) fn context(&self, id: ContextId) -> Option<Arc<DecisionContext>> {
        self.contexts.read().get(&id).map(Arc::clone)
    }

    /// Names of all clients, in order. A picture: others may come while it is taken.
    pub(crate) fn clients(&self) -> Vec<Box<str>> {
        let mut names: Vec<Box<str>> = Vec::new();
        for shard in &self.shards {
            names.extend(shard.read().keys().cloned());
        }
        names.sort_unstable();
        names
    }
}
