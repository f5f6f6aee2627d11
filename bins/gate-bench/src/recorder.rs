//! One thread's measurements, and how they are merged.
//!
//! Fixed-bounds histograms in nanoseconds; recording allocates nothing but a second's histogram
//! when a new second begins.

mod counts;

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::connection::InFlight;
use crate::outcome::{self, Expect, Outcome};
use crate::response::Response;
use crate::sample::Samples;
use crate::workload::Kind;

pub use counts::Counts;

/// Values beyond this are recorded as this.
pub(crate) const LATENCY_MAX_NS: u64 = 120_000_000_000;

/// One second of the run.
#[derive(Debug, Clone)]
pub struct Second {
    /// Response times of requests that ended in it; of one that was given up, the time waited.
    pub response: Histogram<u32>,
    /// Requests that were answered in it with a success.
    pub completed: u64,
    /// Requests that ended in it otherwise.
    pub errors: u64,
}

/// Everything one thread measured.
#[derive(Debug)]
pub struct Recorder {
    /// How often each thing happened.
    pub counts: Counts,
    /// From the intended start to the response, for successes and for timeouts.
    pub response: Histogram<u64>,
    /// From the sending to the response, for successes.
    pub service: Histogram<u64>,
    /// From the intended start to the sending.
    pub send_lag: Histogram<u64>,
    /// From the intended start to the moment the generator took notice: its own delay.
    pub wake_lag: Histogram<u64>,
    /// From the intended start to a response other than 200.
    pub refused: Histogram<u64>,
    /// From the sending to a response other than 200.
    pub refused_service: Histogram<u64>,
    /// The run second by second.
    pub seconds: Vec<Second>,
    /// Responses kept for verification.
    pub samples: Samples,
    /// When the last measured response came.
    pub last_ns: u64,
    /// The most requests that waited for a connection at once.
    pub backlog_max: usize,
    /// The longest that the loop was away: it asks to be woken every 50 ms.
    pub away_max_ns: u64,
    /// The longest that no connection was established while requests could have been sent.
    pub cut_off_max_ns: u64,
    expect: Expect,
    /// How long the server was silent when the run was ended for it.
    pub gave_up_after: Option<Duration>,
    /// Measuring begins here.
    start_ns: u64,
    /// And ends here, if it does so by the clock.
    end_ns: u64,
}

impl Recorder {
    /// An empty recorder of what is measured from `start_ns` to `end_ns`; seconds count from the start.
    #[must_use]
    pub fn new(expect: Expect, start_ns: u64, end_ns: u64, samples: Samples) -> Self {
        Self {
            counts: Counts::default(),
            response: latency_histogram(),
            service: latency_histogram(),
            send_lag: latency_histogram(),
            wake_lag: latency_histogram(),
            refused: latency_histogram(),
            refused_service: latency_histogram(),
            seconds: Vec::new(),
            samples,
            last_ns: start_ns,
            backlog_max: 0,
            away_max_ns: 0,
            cut_off_max_ns: 0,
            expect,
            gave_up_after: None,
            start_ns,
            end_ns,
        }
    }

    pub(crate) fn sent(&mut self, in_flight: &InFlight) {
        if in_flight.measured {
            self.counts.sent += 1;
            let lag = in_flight.sent_ns.saturating_sub(in_flight.intended_ns);
            self.send_lag.saturating_record(lag);
        } else {
            self.counts.warmup += 1;
        }
    }

    /// Records that a connection was opened again.
    pub(crate) fn reconnected(&mut self, now_ns: u64) {
        self.counts.reconnects += u64::from(now_ns >= self.start_ns);
    }

    /// Records how long the loop was away from its work.
    pub(crate) fn waited(&mut self, away_ns: u64) {
        self.away_max_ns = self.away_max_ns.max(away_ns);
    }

    /// Records that no connection was established for some time, as far as it was measured.
    pub(crate) fn cut_off(&mut self, since_ns: u64, until_ns: u64) {
        let until_ns = until_ns.min(self.end_ns);
        let cut_off_ns = until_ns.saturating_sub(since_ns.max(self.start_ns));
        self.cut_off_max_ns = self.cut_off_max_ns.max(cut_off_ns);
    }

    pub(crate) fn noticed(&mut self, due_ns: u64, now_ns: u64) {
        if due_ns >= self.start_ns {
            self.wake_lag
                .saturating_record(now_ns.saturating_sub(due_ns));
        }
    }

    /// Records a complete response; returns its outcome.
    pub(crate) fn responded(
        &mut self,
        in_flight: &InFlight,
        response: &Response,
        body: &[u8],
        now_ns: u64,
    ) -> Outcome {
        let status = response.status;
        let kind = in_flight.request.kind;
        let outcome = Outcome::of(self.expect, kind, status, body);
        if !in_flight.measured {
            return outcome;
        }
        self.last_ns = self.last_ns.max(now_ns);
        self.counts.body_bytes += body.len() as u64;
        self.count(kind, status, outcome, body);
        if now_ns <= self.end_ns {
            self.counts.in_time += 1;
            let is_success = !matches!(outcome, Outcome::Refused | Outcome::Unreadable);
            self.counts.successes_in_time += u64::from(is_success);
        }
        if status == 503 && !response.retry_after {
            self.counts.no_retry_after += 1;
        }
        let response_ns = now_ns.saturating_sub(in_flight.intended_ns);
        let service_ns = now_ns.saturating_sub(in_flight.sent_ns);
        let second = self.second(now_ns);
        if matches!(outcome, Outcome::Refused | Outcome::Unreadable) {
            if let Some(second) = second {
                second.errors += 1;
            }
            self.refused.saturating_record(response_ns);
            self.refused_service.saturating_record(service_ns);
        } else {
            if let Some(second) = second {
                second.response.saturating_record(response_ns);
                second.completed += 1;
            }
            self.response.saturating_record(response_ns);
            self.service.saturating_record(service_ns);
            self.samples
                .offer(&in_flight.request, outcome, body, now_ns);
        }
        outcome
    }

    /// Records a request that gets no response; the time waited counts as its response time.
    pub(crate) fn timed_out(&mut self, in_flight: &InFlight, now_ns: u64) {
        if in_flight.measured {
            self.counts.timeouts += 1;
            self.lost(in_flight.intended_ns, now_ns);
        }
    }

    /// Records a request that was due at `due_ns` and was not sent before the run was over.
    pub(crate) fn never_sent(&mut self, due_ns: u64, now_ns: u64) {
        if due_ns >= self.start_ns {
            self.counts.unsent += 1;
            self.lost(due_ns, now_ns);
        }
    }

    pub(crate) fn connection_error(&mut self, in_flight: &InFlight, now_ns: u64) {
        if in_flight.measured {
            self.counts.connection_errors += 1;
            self.error_in_second(now_ns);
        }
    }

    pub(crate) fn malformed(&mut self, in_flight: &InFlight, now_ns: u64) {
        if in_flight.measured {
            self.counts.malformed += 1;
            self.error_in_second(now_ns);
        }
    }

    /// Adds what another thread measured.
    pub fn merge(&mut self, other: Self) {
        self.counts.add(&other.counts);
        for (mine, theirs) in [
            (&mut self.response, &other.response),
            (&mut self.service, &other.service),
            (&mut self.send_lag, &other.send_lag),
            (&mut self.wake_lag, &other.wake_lag),
            (&mut self.refused, &other.refused),
            (&mut self.refused_service, &other.refused_service),
        ] {
            add(mine, theirs);
        }
        while self.seconds.len() < other.seconds.len() {
            self.seconds.push(Second::default());
        }
        for (mine, theirs) in self.seconds.iter_mut().zip(&other.seconds) {
            add(&mut mine.response, &theirs.response);
            mine.completed += theirs.completed;
            mine.errors += theirs.errors;
        }
        self.samples.merge(other.samples);
        self.last_ns = self.last_ns.max(other.last_ns);
        self.backlog_max += other.backlog_max;
        self.away_max_ns = self.away_max_ns.max(other.away_max_ns);
        self.cut_off_max_ns = self.cut_off_max_ns.max(other.cut_off_max_ns);
        self.gave_up_after = self.gave_up_after.or(other.gave_up_after);
    }

    fn count(&mut self, kind: Kind, status: u16, outcome: Outcome, body: &[u8]) {
        let counts = &mut self.counts;
        counts.completed += 1;
        *counts.by_status.entry(status).or_default() += 1;
        *counts.by_kind.entry(kind.name()).or_default() += 1;
        match outcome {
            Outcome::Authorized => counts.authorized += 1,
            Outcome::Blocked => counts.blocked += 1,
            Outcome::Done => counts.done += 1,
            Outcome::Unreadable => counts.unreadable += 1,
            Outcome::Refused => {}
        }
        let replayed = match outcome {
            Outcome::Authorized | Outcome::Blocked => outcome::is_replayed(body),
            _ => None,
        };
        counts.replayed += u64::from(replayed == Some(true));
        let is_first = replayed.is_none_or(|replayed| replayed == (kind == Kind::Replay));
        let is_expected = outcome.is_expected(self.expect, kind) && is_first;
        if outcome != Outcome::Refused && !is_expected {
            counts.unexpected += 1;
            *counts.unexpected_by_kind.entry(kind.name()).or_default() += 1;
        }
    }

    fn lost(&mut self, intended_ns: u64, now_ns: u64) {
        let waited_ns = now_ns.saturating_sub(intended_ns);
        self.response.saturating_record(waited_ns);
        if let Some(second) = self.second(now_ns) {
            second.response.saturating_record(waited_ns);
            second.errors += 1;
        }
    }

    fn error_in_second(&mut self, now_ns: u64) {
        if let Some(second) = self.second(now_ns) {
            second.errors += 1;
        }
    }

    fn second(&mut self, now_ns: u64) -> Option<&mut Second> {
        let index = now_ns.saturating_sub(self.start_ns) / 1_000_000_000;
        let index = usize::try_from(index).ok()?;
        while self.seconds.len() <= index {
            self.seconds.push(Second::default());
        }
        self.seconds.get_mut(index)
    }
}

impl Default for Second {
    fn default() -> Self {
        Self {
            response: bounded(2),
            completed: 0,
            errors: 0,
        }
    }
}

/// 1 ns to two minutes in three significant digits.
#[must_use]
pub(crate) fn latency_histogram() -> Histogram<u64> {
    bounded(3)
}

fn bounded<C: hdrhistogram::Counter>(digits: u8) -> Histogram<C> {
    #[allow(
        clippy::expect_used,
        reason = "the bounds are constants that the library accepts"
    )]
    Histogram::new_with_bounds(1, LATENCY_MAX_NS, digits).expect("constant bounds")
}

fn add<C: hdrhistogram::Counter>(to: &mut Histogram<C>, from: &Histogram<C>) {
    // Cannot fail between histograms of the same bounds.
    let added = to.add(from);
    debug_assert!(added.is_ok());
}
