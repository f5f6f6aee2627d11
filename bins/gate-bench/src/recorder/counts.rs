//! How often each thing happened in a run.

use std::collections::BTreeMap;

/// How often each thing happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests sent and measured.
    pub sent: u64,
    /// Bytes of all response bodies.
    pub body_bytes: u64,
    /// Requests sent while warming up, counted nowhere else.
    pub warmup: u64,
    /// Whole responses, whatever they say.
    pub completed: u64,
    /// 200 with AUTHORIZED.
    pub authorized: u64,
    /// 200 with BLOCKED.
    pub blocked: u64,
    /// 200 without a verdict where none is due.
    pub done: u64,
    /// 200 to an order without a verdict.
    pub unreadable: u64,
    /// Responses by status code.
    pub by_status: BTreeMap<u16, u64>,
    /// Responses by kind of request.
    pub by_kind: BTreeMap<&'static str, u64>,
    /// Decisions that an earlier request had made.
    pub replayed: u64,
    /// Responses with another verdict than the workload is made for: new orders that are replayed
    /// among them, and replays that are new.
    pub unexpected: u64,
    /// Requests without a response in time.
    pub timeouts: u64,
    /// Requests lost with their connection.
    pub connection_errors: u64,
    /// Requests answered with something that is not HTTP.
    pub malformed: u64,
    /// 503 without `Retry-After`.
    pub no_retry_after: u64,
    /// Requests that were due and could not be sent before the run ended.
    pub unsent: u64,
    /// Whole responses that came within the time that was measured.
    pub in_time: u64,
    /// Successes among them.
    pub successes_in_time: u64,
    /// Responses with another verdict than the workload is made for, by kind of request.
    pub unexpected_by_kind: BTreeMap<&'static str, u64>,
    /// Connections that were opened again.
    pub reconnects: u64,
}

impl Counts {
    /// 200 with what was asked for.
    #[must_use]
    pub const fn successes(&self) -> u64 {
        self.authorized + self.blocked + self.done
    }

    /// Everything that is not a success: the number that has to be 0.
    #[must_use]
    pub fn errors(&self) -> u64 {
        let refused: u64 = self
            .by_status
            .iter()
            .filter(|(status, _)| **status != 200)
            .map(|(_, count)| count)
            .sum();
        refused
            + self.unreadable
            + self.timeouts
            + self.connection_errors
            + self.malformed
            + self.unsent
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.body_bytes += other.body_bytes;
        self.warmup += other.warmup;
        self.completed += other.completed;
        self.authorized += other.authorized;
        self.blocked += other.blocked;
        self.done += other.done;
        self.unreadable += other.unreadable;
        self.replayed += other.replayed;
        self.unexpected += other.unexpected;
        self.timeouts += other.timeouts;
        self.connection_errors += other.connection_errors;
        self.malformed += other.malformed;
        self.unsent += other.unsent;
        self.no_retry_after += other.no_retry_after;
        self.in_time += other.in_time;
        self.successes_in_time += other.successes_in_time;
        self.reconnects += other.reconnects;
        for (kind, count) in &other.unexpected_by_kind {
            *self.unexpected_by_kind.entry(kind).or_default() += count;
        }
        for (status, count) in &other.by_status {
            *self.by_status.entry(*status).or_default() += count;
        }
        for (kind, count) in &other.by_kind {
            *self.by_kind.entry(kind).or_default() += count;
        }
    }
}
