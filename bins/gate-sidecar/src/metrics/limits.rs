//! Limits without a counted use: each applies to one request, connection or evaluation.

use std::fmt::Write as _;
use std::time::Duration;

use gate_api::{MAX_ANSWER_BYTES, MAX_BODY_BYTES};
use gate_policy::{
    MAX_INPUT_DEPTH, MAX_INPUT_NODES, MAX_MADE_BYTES, MAX_NUMBER_BITS, MAX_PATTERN_BYTES,
    MAX_PATTERN_STEPS,
};

use super::{head, seconds};
use crate::assemble::ledger_config;
use crate::http::{BODY_TIMEOUT, Shared};
use crate::sockets::{ADMIN_CONNECTIONS, UNREAD_TIMEOUT};
use crate::tls::HANDSHAKE_TIMEOUT;

pub(super) fn render(out: &mut String, shared: &Shared) {
    let policy = shared.config.eval_limits();
    let ledger = ledger_config(&shared.config);
    family(
        out,
        "gate_limit",
        "The most of something.",
        &[
            ("connections_per_worker", shared.config.max_connections),
            ("admin_connections", ADMIN_CONNECTIONS),
            ("orders_per_client", shared.config.max_orders_per_client),
            ("symbols", ledger.max_symbols),
            ("reports_per_order", ledger.max_reports_per_order),
            ("policy_instructions", policy.max_instructions),
            ("policy_input_levels", MAX_INPUT_DEPTH),
            ("policy_input_values", MAX_INPUT_NODES),
            ("policy_pattern_steps", MAX_PATTERN_STEPS),
            (
                "policy_product_bits",
                usize::try_from(MAX_NUMBER_BITS).unwrap_or(usize::MAX),
            ),
        ],
    );
    family(
        out,
        "gate_limit_bytes",
        "The most bytes of something.",
        &[
            ("body", MAX_BODY_BYTES),
            ("policy_call_answer", MAX_MADE_BYTES),
            ("query_answer", MAX_ANSWER_BYTES),
            ("policy_patterns_per_thread", MAX_PATTERN_BYTES),
        ],
    );
    let name = "gate_limit_seconds";
    head(out, name, "gauge", "The longest that something may take.");
    for (of, time) in [
        ("body_arrival", BODY_TIMEOUT),
        ("answer_unread", UNREAD_TIMEOUT),
        ("tls_handshake", HANDSHAKE_TIMEOUT),
        ("policy_evaluation", policy.time),
    ] {
        let _ = writeln!(out, "{name}{{of=\"{of}\"}} {}", seconds(nanos(time)));
    }
}

fn family(out: &mut String, name: &str, help: &str, limits: &[(&str, usize)]) {
    head(out, name, "gauge", help);
    for (of, limit) in limits {
        let _ = writeln!(out, "{name}{{of=\"{of}\"}} {limit}");
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
