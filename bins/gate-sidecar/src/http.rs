//! The two listeners: orders on the public one, operators on the admin one. Handlers are thin;
//! what they answer is decided in `gate-api`.

pub(crate) mod admin;
mod admission;
mod body;
mod cohort;
mod commit;
mod connections;
mod event;
mod front;
mod order;
pub(crate) mod public;
mod queries;
mod reply;
mod route;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gate_api::Gate;
use gate_state::JournalState;
use gate_types::Timestamp;

use crate::config::Config;
use crate::metrics::Metrics;
use crate::schedule::WakeLatency;
use crate::tls::Tls;
pub(crate) use admission::Admission;
pub(crate) use body::BODY_TIMEOUT;
pub(crate) use commit::CommitHub;
pub(crate) use connections::Connections;
pub(crate) use front::Front;
pub(crate) use order::Worker;
pub(crate) use queries::{QUERY_THREADS, Queries};

/// The state that all handlers share.
pub(crate) struct Shared {
    pub(crate) gate: Arc<Gate>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) commits: Arc<CommitHub>,
    pub(crate) admission: Admission,
    pub(crate) queries: Queries,
    pub(crate) connections: Connections,
    pub(crate) reloader: crate::reload::Reloader,
    pub(crate) config: Config,
    /// The wake-up time requested from the kernel, in force while this lives.
    pub(crate) wake_latency: Option<WakeLatency>,
    /// TLS of the public listener; `None` for plain HTTP.
    pub(crate) tls: Option<Arc<Tls>>,
    /// When the process was started, for the metrics.
    pub(crate) started: Timestamp,
    /// Set once, when the sidecar stops taking connections.
    pub(crate) draining: AtomicBool,
}

impl Shared {
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether an order sent now can be decided.
    pub(crate) fn is_ready(&self) -> bool {
        self.why_not_ready().is_none()
    }

    /// Why an order sent now would not be decided, or not soon.
    pub(crate) fn why_not_ready(&self) -> Option<String> {
        if self.is_draining() {
            return Some("draining".to_owned());
        }
        let journal = self.gate.ledger().journal_state();
        if journal != JournalState::Open {
            return Some(journal.to_string());
        }
        let refused = self.gate.check_ready().err()?;
        Some(refused.detail().to_owned())
    }
}
