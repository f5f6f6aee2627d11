//! The settings and their precedence: flags, then `GATE_*` variables, then the file, then the
//! defaults. Every source goes through [`Config::set`], so each key is parsed the same way
//! everywhere (`table.rs`), and an unknown key is always an error.

mod source;
mod table;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use gate_api::TokenForm;
use gate_policy::EvalLimits;
use gate_state::{Durability, LONGEST_DEDUPE_WINDOW_NS};

pub(crate) use source::{load, variables};
use table::Setting;

pub(crate) const NANOS_PER_SECOND: u64 = 1_000_000_000;
/// The longest that an order may be remembered after its hold ended, in seconds.
pub(crate) const LONGEST_WINDOW_S: u64 = LONGEST_DEDUPE_WINDOW_NS / NANOS_PER_SECOND;

/// The settings of one sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    /// The address for orders.
    pub(crate) listen: SocketAddr,
    /// The address for operators and monitoring.
    pub(crate) admin_listen: SocketAddr,
    /// A Unix socket for orders, in addition to `listen`.
    pub(crate) uds: Option<PathBuf>,
    /// The certificate chain of `listen`, in PEM; without one `listen` speaks plain HTTP.
    pub(crate) tls_cert: Option<PathBuf>,
    /// The private key of that certificate, in PEM.
    pub(crate) tls_key: Option<PathBuf>,
    /// The CAs that client certificates must chain to, in PEM; when absent, none are requested.
    pub(crate) tls_client_ca: Option<PathBuf>,
    /// The directory of the journal and the generated key.
    pub(crate) data_dir: PathBuf,
    /// The policy bundle: a directory or a `.tar.gz`; the embedded sample when absent.
    pub(crate) bundle: Option<PathBuf>,
    /// The key that verifies the bundle's signature; when absent, a signed bundle is refused.
    pub(crate) bundle_key: Option<PathBuf>,
    /// The key id that the signature must name; any when absent.
    pub(crate) bundle_key_id: Option<String>,
    /// The algorithm of that key; RS256 when absent, as in OPA.
    pub(crate) bundle_key_alg: Option<KeyAlgorithm>,
    /// The scope that the signature must have; when absent, it must have none.
    pub(crate) bundle_scope: Option<String>,
    /// Seconds between two checks of the bundle for changes; 0: it is not watched.
    pub(crate) bundle_watch_s: u64,
    /// Instructions that one evaluation of the policy may take.
    pub(crate) policy_max_instructions: usize,
    /// Milliseconds that one evaluation of the policy may take.
    pub(crate) policy_max_ms: u64,
    /// The JWK Set; `keys.json` in `data_dir`, generated on first start, when absent.
    pub(crate) keys: Option<PathBuf>,
    /// Whether a reply waits for the journal's fsync.
    pub(crate) durability: Durability,
    /// `iss` of the tokens.
    pub(crate) issuer: String,
    /// `aud` of the tokens.
    pub(crate) audience: String,
    /// Seconds a token is valid.
    pub(crate) token_ttl_s: u64,
    /// The form of the token when the request does not ask for one.
    pub(crate) token_form: TokenForm,
    /// Seconds an order id is remembered after its hold ended.
    pub(crate) dedupe_window_s: u64,
    /// Seconds after its token's expiry at which an unconfirmed hold is released; 0: never.
    pub(crate) in_doubt_release_s: u64,
    /// Days for which journal records are kept, once no remembered order needs them; 0: for ever.
    pub(crate) retention_days: u64,
    /// Orders remembered at once.
    pub(crate) max_orders: usize,
    /// Of them, orders of one client.
    pub(crate) max_orders_per_client: usize,
    /// Orders being decided at once, over all workers.
    pub(crate) max_in_flight: usize,
    /// Data API queries in progress or waiting, over all workers.
    pub(crate) max_queries: usize,
    /// Journal records that may wait for the writer.
    pub(crate) queue_capacity: u64,
    /// How many nice levels the journal's writer thread is raised above the other threads.
    pub(crate) journal_priority: u8,
    /// The time slice to request from the kernel, in microseconds; 0: keep the kernel's.
    pub(crate) time_slice_us: u64,
    /// The longest wake-up time of a core to request from the kernel while serving, in
    /// microseconds.
    pub(crate) wake_latency_us: Option<u64>,
    /// Threads that serve requests.
    pub(crate) workers: usize,
    /// Connections one worker holds open.
    pub(crate) max_connections: usize,
    /// Seconds that a drain may take.
    pub(crate) drain_timeout_s: u64,
    /// The log filter: `error`, `warn`, `info`, `debug`, `trace`, or a `tracing` filter.
    pub(crate) log: String,
    /// Log lines as JSON.
    pub(crate) log_json: bool,
}

impl Config {
    /// The default settings on a machine with `cores` cores.
    pub(crate) fn defaults(cores: usize) -> Self {
        let policy = EvalLimits::default();
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            admin_listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            uds: None,
            tls_cert: None,
            tls_key: None,
            tls_client_ca: None,
            data_dir: PathBuf::from("gate-data"),
            bundle: None,
            bundle_key: None,
            bundle_key_id: None,
            bundle_key_alg: None,
            bundle_scope: None,
            bundle_watch_s: 1,
            policy_max_instructions: policy.max_instructions,
            policy_max_ms: u64::try_from(policy.time.as_millis()).unwrap_or(u64::MAX),
            keys: None,
            durability: Durability::Strict,
            issuer: "gate-sidecar".to_owned(),
            audience: "gate".to_owned(),
            token_ttl_s: 60,
            token_form: TokenForm::Object,
            dedupe_window_s: 24 * 60 * 60,
            in_doubt_release_s: 0,
            retention_days: 0,
            max_orders: 20_000_000,
            max_orders_per_client: 5_000_000,
            max_in_flight: 256,
            max_queries: 256,
            queue_capacity: 65_536,
            journal_priority: 10,
            time_slice_us: 100,
            wake_latency_us: None,
            workers: cores,
            max_connections: 10_000,
            drain_timeout_s: 10,
            log: "info".to_owned(),
            log_json: false,
        }
    }

    /// Bounds of one evaluation of the policy.
    pub(crate) const fn eval_limits(&self) -> EvalLimits {
        EvalLimits {
            max_instructions: self.policy_max_instructions,
            time: Duration::from_millis(self.policy_max_ms),
        }
    }

    /// Sets `key` from its text; on an error nothing is changed.
    pub(crate) fn set(&mut self, key: &str, text: &str) -> Result<(), SetError> {
        let setting = Setting::named(key).ok_or(SetError::UnknownKey)?;
        (setting.set)(self, text)
    }
}

/// The algorithm of a bundle's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyAlgorithm {
    Hs256,
    Rs256,
    Es256,
}

impl KeyAlgorithm {
    /// The names of RFC 7518.
    const NAMES: [(&'static str, Self); 3] = [
        ("HS256", Self::Hs256),
        ("RS256", Self::Rs256),
        ("ES256", Self::Es256),
    ];
}

/// Why a key could not be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SetError {
    #[error("is not a setting (settings are {})", Setting::keys().join(", "))]
    UnknownKey,
    #[error("`{0}` is not an address such as 127.0.0.1:8080")]
    NotAnAddress(String),
    #[error("must be {0}, and is of type {1}")]
    NotOfType(&'static str, &'static str),
    #[error("must not be empty")]
    Empty,
    #[error("`{0}` is not one of {1}")]
    NotOneOf(String, String),
    #[error("`{0}` is not a whole number from {1} to {2}")]
    NotWithin(String, u64, u64),
    #[error("`{0}` is not a log filter")]
    NotAFilter(String),
}

#[cfg(test)]
mod tests;
