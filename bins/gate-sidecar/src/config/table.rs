//! Every setting: its key, and what a text for it may be.

use std::net::SocketAddr;
use std::path::PathBuf;

use gate_api::TokenForm;
use gate_state::Durability;

use super::{Config, KeyAlgorithm, LONGEST_WINDOW_S, SetError};

/// A setting. A named flag has dashes for the key's underscores; the variable is the key in upper
/// case after `GATE_`.
pub(super) struct Setting {
    /// As written in the file.
    pub(super) key: &'static str,
    /// What it is in the file, where text is taken as well.
    pub(super) kind: Kind,
    /// Takes the text; on an error nothing is changed.
    pub(super) set: fn(&mut Config, &str) -> Result<(), SetError>,
}

/// What a value in the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Switch,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "a whole number",
            Self::Switch => "true or false",
        }
    }
}

impl Setting {
    pub(super) fn named(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    pub(super) fn keys() -> [&'static str; SETTINGS.len()] {
        SETTINGS.each_ref().map(|setting| setting.key)
    }
}

type Set = fn(&mut Config, &str) -> Result<(), SetError>;

const fn text(key: &'static str, set: Set) -> Setting {
    let kind = Kind::Text;
    Setting { key, kind, set }
}

const fn number(key: &'static str, set: Set) -> Setting {
    let kind = Kind::Number;
    Setting { key, kind, set }
}

const fn switch(key: &'static str, set: Set) -> Setting {
    let kind = Kind::Switch;
    Setting { key, kind, set }
}

static SETTINGS: [Setting; 37] = [
    text("listen", |c, t| put(&mut c.listen, address(t))),
    text("admin_listen", |c, t| put(&mut c.admin_listen, address(t))),
    text("uds", |c, t| put(&mut c.uds, path(t).map(Some))),
    text("tls_cert", |c, t| put(&mut c.tls_cert, path(t).map(Some))),
    text("tls_key", |c, t| put(&mut c.tls_key, path(t).map(Some))),
    text("tls_client_ca", |c, t| {
        put(&mut c.tls_client_ca, path(t).map(Some))
    }),
    text("data_dir", |c, t| put(&mut c.data_dir, path(t))),
    text("bundle", |c, t| put(&mut c.bundle, path(t).map(Some))),
    text("bundle_key", |c, t| {
        put(&mut c.bundle_key, path(t).map(Some))
    }),
    text("bundle_key_id", |c, t| {
        put(&mut c.bundle_key_id, name(t).map(Some))
    }),
    text("bundle_key_alg", |c, t| {
        put(
            &mut c.bundle_key_alg,
            one_of(t, &KeyAlgorithm::NAMES).map(Some),
        )
    }),
    text("bundle_scope", |c, t| {
        put(&mut c.bundle_scope, name(t).map(Some))
    }),
    number("bundle_watch_s", |c, t| {
        put(&mut c.bundle_watch_s, within(t, 0, 86_400))
    }),
    number("policy_max_instructions", |c, t| {
        put(&mut c.policy_max_instructions, within(t, 1_000, 10_000_000))
    }),
    number("policy_max_ms", |c, t| {
        put(&mut c.policy_max_ms, within(t, 1, 1_000))
    }),
    text("keys", |c, t| put(&mut c.keys, path(t).map(Some))),
    text("durability", |c, t| {
        put(&mut c.durability, one_of(t, &DURABILITIES))
    }),
    text("issuer", |c, t| put(&mut c.issuer, name(t))),
    text("audience", |c, t| put(&mut c.audience, name(t))),
    number("token_ttl_s", |c, t| {
        put(&mut c.token_ttl_s, within(t, 1, 86_400))
    }),
    text("token_form", |c, t| {
        put(&mut c.token_form, one_of(t, &TOKEN_FORMS))
    }),
    number("dedupe_window_s", |c, t| {
        put(&mut c.dedupe_window_s, within(t, 1, LONGEST_WINDOW_S))
    }),
    number("in_doubt_release_s", |c, t| {
        put(&mut c.in_doubt_release_s, within(t, 0, LONGEST_WINDOW_S))
    }),
    number("retention_days", |c, t| {
        put(&mut c.retention_days, within(t, 0, 36_500))
    }),
    number("max_orders", |c, t| {
        put(&mut c.max_orders, within(t, 1, 1_000_000_000))
    }),
    number("max_orders_per_client", |c, t| {
        put(&mut c.max_orders_per_client, within(t, 1, 1_000_000_000))
    }),
    number("max_in_flight", |c, t| {
        put(&mut c.max_in_flight, within(t, 1, 1_000_000))
    }),
    number("max_queries", |c, t| {
        put(&mut c.max_queries, within(t, 1, 100_000))
    }),
    number("queue_capacity", |c, t| {
        put(&mut c.queue_capacity, within(t, 1, 16_777_216))
    }),
    number("journal_priority", |c, t| {
        put(&mut c.journal_priority, within(t, 0, 20))
    }),
    number("time_slice_us", |c, t| {
        put(&mut c.time_slice_us, within(t, 0, 100_000))
    }),
    number("wake_latency_us", |c, t| {
        put(&mut c.wake_latency_us, within(t, 0, 1_000_000).map(Some))
    }),
    number("workers", |c, t| put(&mut c.workers, within(t, 1, 1_024))),
    number("max_connections", |c, t| {
        put(&mut c.max_connections, within(t, 1, 1_000_000))
    }),
    number("drain_timeout_s", |c, t| {
        put(&mut c.drain_timeout_s, within(t, 1, 3_600))
    }),
    text("log", |c, t| put(&mut c.log, filter(t))),
    switch("log_json", |c, t| {
        put(
            &mut c.log_json,
            one_of(t, &[("true", true), ("false", false)]),
        )
    }),
];

const DURABILITIES: [(&str, Durability); 2] = [
    ("strict", Durability::Strict),
    ("relaxed", Durability::Relaxed),
];

const TOKEN_FORMS: [(&str, TokenForm); 2] =
    [("object", TokenForm::Object), ("jws", TokenForm::Jws)];

fn put<T>(place: &mut T, value: Result<T, SetError>) -> Result<(), SetError> {
    *place = value?;
    Ok(())
}

fn address(text: &str) -> Result<SocketAddr, SetError> {
    text.parse()
        .map_err(|_| SetError::NotAnAddress(text.to_owned()))
}

fn path(text: &str) -> Result<PathBuf, SetError> {
    name(text).map(PathBuf::from)
}

fn name(text: &str) -> Result<String, SetError> {
    if text.is_empty() {
        Err(SetError::Empty)
    } else {
        Ok(text.to_owned())
    }
}

/// Checks a log filter. A bare word must be a level: `tracing` would take any other for the name of
/// a target, and silence everything else.
fn filter(text: &str) -> Result<String, SetError> {
    let is_level = |word: &str| {
        word.trim()
            .parse::<tracing_subscriber::filter::LevelFilter>()
            .is_ok()
    };
    let is_clear = |part: &str| part.contains(['=', '[']) || is_level(part);
    match text.parse::<tracing_subscriber::EnvFilter>() {
        Ok(_) if !text.is_empty() && text.split(',').all(is_clear) => Ok(text.to_owned()),
        _ => Err(SetError::NotAFilter(text.to_owned())),
    }
}

fn one_of<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, SetError> {
    choices
        .iter()
        .find(|(choice, _)| *choice == text)
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let names: Vec<_> = choices.iter().map(|(choice, _)| *choice).collect();
            SetError::NotOneOf(text.to_owned(), names.join(", "))
        })
}

fn within<T: TryFrom<u64>>(text: &str, least: u64, most: u64) -> Result<T, SetError> {
    text.parse::<u64>()
        .ok()
        .filter(|value| (least..=most).contains(value))
        .and_then(|value| T::try_from(value).ok())
        .ok_or_else(|| SetError::NotWithin(text.to_owned(), least, most))
}
