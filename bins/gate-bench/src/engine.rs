//! The loop that both kinds of load share: one thread, one poll, its connections.
//!
//! [`Arrivals`] says when a request may start; the engine finds it a connection, sends it, reads
//! its response and records the times. It knows nothing of rates or quotas.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use mio::{Events, Poll, Token};

use crate::alarm::{ALARM, Alarm};
use crate::connection::{Break, Connection, InFlight, Progress};
use crate::outcome::Outcome;
use crate::progress::Live;
use crate::recorder::Recorder;
use crate::response::Response;
use crate::target::Target;
use crate::workload::Workload;

/// Nanoseconds since the run's zero, the same for all its threads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunClock(Instant);

impl RunClock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now_ns(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Whether a request may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Now; it was meant to start at `intended_ns`.
    Send { intended_ns: u64, measured: bool },
    /// Not before this time.
    Wait { due_ns: u64 },
    /// Never again.
    Finished,
}

/// When requests start.
pub(crate) trait Arrivals {
    /// Records what is due, whether or not a connection is free for it.
    fn notice(&mut self, now_ns: u64, recorder: &mut Recorder);
    /// Asked only when a connection is free.
    fn next(&mut self, now_ns: u64) -> Next;
    /// When to come back even if no connection becomes free before.
    fn next_due(&self) -> Option<u64>;
    /// The run is over at this time whatever is still open; `None` when only progress counts.
    fn give_up_ns(&self) -> Option<u64>;
    /// Called once, at the end.
    fn abandon(&mut self, now_ns: u64, recorder: &mut Recorder);
}

/// What one thread needs to run.
pub(crate) struct Setup<'a> {
    pub(crate) target: &'a Target,
    pub(crate) connections: usize,
    pub(crate) timeout: Duration,
    pub(crate) spin: Duration,
    /// Once true, nothing more is sent.
    pub(crate) interrupted: &'a AtomicBool,
    /// The next request index of the run.
    pub(crate) indices: &'a AtomicU64,
    pub(crate) live: &'a Live,
}

/// How often timeouts and broken connections are checked.
const HOUSEKEEPING_NS: u64 = 50_000_000;
/// A run ends when requests are in flight and nothing is answered for this many timeouts.
const PATIENCE: u32 = 3;

pub(crate) struct Engine<'a, A> {
    setup: Setup<'a>,
    clock: RunClock,
    poll: Poll,
    connections: Vec<Connection>,
    /// Used in turn, oldest first, so that all connections carry the load.
    idle: VecDeque<usize>,
    in_flight: usize,
    workload: Workload,
    arrivals: A,
    recorder: Recorder,
    finished: bool,
    /// When it was interrupted: what comes due later is nobody's failure.
    interrupted_ns: Option<u64>,
    /// When the first request was sent since the last response.
    silent_since_ns: Option<u64>,
    /// Since when no connection is established.
    cut_off_since_ns: Option<u64>,
}

impl<'a, A: Arrivals> Engine<'a, A> {
    /// Opens every connection.
    pub(crate) fn open(
        setup: Setup<'a>,
        workload: Workload,
        arrivals: A,
        recorder: Recorder,
    ) -> anyhow::Result<Self> {
        let poll = Poll::new().context("no poll")?;
        let mut connections = Vec::with_capacity(setup.connections);
        for slot in 0..setup.connections {
            let mut connection = Connection::new(Token(slot));
            connection
                .open(setup.target, poll.registry())
                .with_context(|| format!("cannot connect to {}", setup.target))?;
            connections.push(connection);
        }
        Ok(Self {
            idle: (0..connections.len()).collect(),
            in_flight: 0,
            finished: false,
            interrupted_ns: None,
            silent_since_ns: None,
            cut_off_since_ns: None,
            clock: RunClock::start(),
            setup,
            poll,
            connections,
            workload,
            arrivals,
            recorder,
        })
    }

    /// Runs from `clock`'s zero to the end of the arrivals and of the last response.
    pub(crate) fn run(mut self, clock: RunClock) -> anyhow::Result<Recorder> {
        self.clock = clock;
        let mut events = Events::with_capacity(256);
        let spin_ns = u64::try_from(self.setup.spin.as_nanos()).unwrap_or(0);
        let mut alarm = Alarm::new(&self.poll, spin_ns).context("no timer")?;
        let mut housekeeping_ns = 0;
        loop {
            let now_ns = self.start_due();
            if self.finished && self.in_flight == 0 {
                break;
            }
            if now_ns >= housekeeping_ns {
                housekeeping_ns = now_ns + HOUSEKEEPING_NS;
                if !self.housekeep(now_ns) {
                    break;
                }
            }
            let due_ns = self.arrivals.next_due();
            let now_ns = self.clock.now_ns();
            alarm
                .wait(&mut self.poll, &mut events, now_ns, due_ns)
                .context("poll failed")?;
            let waited_ns = self.clock.now_ns().saturating_sub(now_ns);
            self.recorder.waited(waited_ns);
            for event in &events {
                if event.token() != ALARM {
                    self.ready(event.token().0);
                    self.start_due();
                }
            }
        }
        let now_ns = self.interrupted_ns.unwrap_or_else(|| self.clock.now_ns());
        if let Some(since_ns) = self.cut_off_since_ns {
            self.recorder.cut_off(since_ns, now_ns);
        }
        self.arrivals.abandon(now_ns, &mut self.recorder);
        self.setup.live.publish(&self.recorder.counts);
        Ok(self.recorder)
    }

    /// Sends what may start, as long as connections are free; returns the time at which it looked.
    fn start_due(&mut self) -> u64 {
        let mut now_ns = self.clock.now_ns();
        if self.interrupted_ns.is_none() {
            self.arrivals.notice(now_ns, &mut self.recorder);
        }
        while !self.finished
            && let Some(slot) = self.idle.front().copied()
        {
            match self.arrivals.next(now_ns) {
                Next::Send {
                    intended_ns,
                    measured,
                } => {
                    self.idle.pop_front();
                    self.send(slot, intended_ns, measured);
                    now_ns = self.clock.now_ns();
                    self.arrivals.notice(now_ns, &mut self.recorder);
                }
                Next::Wait { .. } => break,
                Next::Finished => self.finished = true,
            }
        }
        now_ns
    }

    fn send(&mut self, slot: usize, intended_ns: u64, measured: bool) {
        let index = self.setup.indices.fetch_add(1, Ordering::Relaxed);
        let (request, bytes) = self.workload.request(index);
        let Some(connection) = self.connections.get_mut(slot) else {
            return;
        };
        let in_flight = InFlight {
            request,
            intended_ns,
            sent_ns: self.clock.now_ns(),
            measured,
        };
        self.silent_since_ns.get_or_insert(in_flight.sent_ns);
        self.recorder.sent(&in_flight);
        self.in_flight += 1;
        if let Err(broken) = connection.send(bytes, in_flight, self.poll.registry()) {
            self.lose(slot, &broken);
        }
    }

    fn ready(&mut self, slot: usize) {
        let Some(connection) = self.connections.get_mut(slot) else {
            return;
        };
        match connection.ready(self.poll.registry()) {
            Progress::Pending => {}
            Progress::Established => self.established(slot),
            Progress::Response(response) => self.complete(slot, &response),
            Progress::Broken(broken) => self.lose(slot, &broken),
        }
    }

    fn complete(&mut self, slot: usize, response: &Response) {
        let now_ns = self.clock.now_ns();
        let Some(connection) = self.connections.get_mut(slot) else {
            return;
        };
        let Some(in_flight) = connection.in_flight else {
            return;
        };
        let body = connection.body(response);
        let outcome = self.recorder.responded(&in_flight, response, body, now_ns);
        if outcome == Outcome::Authorized && in_flight.request.is_new_order() {
            self.workload.opened(in_flight.request.order);
        }
        self.in_flight -= 1;
        self.silent_since_ns = None;
        if connection.finish(response) {
            self.idle.push_back(slot);
        } else {
            self.reopen(slot);
        }
    }

    /// Handles a lost connection, and the request it carried.
    fn lose(&mut self, slot: usize, broken: &Break) {
        let Some(connection) = self.connections.get_mut(slot) else {
            return;
        };
        let now_ns = self.clock.now_ns();
        let lost = connection.in_flight.take();
        let has_answered = connection.has_answered();
        connection.close();
        if let Some(in_flight) = lost {
            self.in_flight -= 1;
            match broken {
                Break::Connection => self.recorder.connection_error(&in_flight, now_ns),
                Break::Malformed => self.recorder.malformed(&in_flight, now_ns),
            }
        }
        self.idle.retain(|idle| *idle != slot);
        // Where nobody answers, as many attempts as fit into a second tell no more than twenty: the
        // next housekeeping makes one.
        if has_answered {
            self.reopen(slot);
        }
        if self.idle.is_empty() && self.in_flight == 0 {
            self.cut_off_since_ns.get_or_insert(now_ns);
        }
    }

    /// A connection that cannot be opened now is tried again by the next housekeeping.
    fn reopen(&mut self, slot: usize) {
        let Some(connection) = self.connections.get_mut(slot) else {
            return;
        };
        self.idle.retain(|idle| *idle != slot);
        match connection.reopen(self.setup.target, self.poll.registry()) {
            Ok(true) => self.established(slot),
            Ok(false) => {}
            Err(_) => connection.close(),
        }
    }

    /// A connection was opened again.
    fn established(&mut self, slot: usize) {
        let now_ns = self.clock.now_ns();
        self.idle.push_back(slot);
        self.recorder.reconnected(now_ns);
        if let Some(since_ns) = self.cut_off_since_ns.take() {
            self.recorder.cut_off(since_ns, now_ns);
        }
    }

    /// Ends what waited too long; false when the run is over.
    fn housekeep(&mut self, now_ns: u64) -> bool {
        self.setup.live.publish(&self.recorder.counts);
        if self.setup.interrupted.load(Ordering::Relaxed) {
            self.finished = true;
            self.interrupted_ns.get_or_insert(now_ns);
        }
        let timeout_ns = u64::try_from(self.setup.timeout.as_nanos()).unwrap_or(u64::MAX);
        let give_up = self.arrivals.give_up_ns().is_some_and(|end| now_ns >= end);
        for slot in 0..self.connections.len() {
            let Some(connection) = self.connections.get_mut(slot) else {
                continue;
            };
            match connection.in_flight {
                Some(in_flight)
                    if give_up || now_ns.saturating_sub(in_flight.sent_ns) >= timeout_ns =>
                {
                    self.recorder.timed_out(&in_flight, now_ns);
                    self.in_flight -= 1;
                    connection.close();
                    self.reopen(slot);
                }
                None if !connection.is_open() => self.reopen(slot),
                _ => {}
            }
        }
        let patience_ns = timeout_ns.saturating_mul(u64::from(PATIENCE));
        if self.idle.is_empty() && self.in_flight == 0 {
            // No connection can be opened.
            self.silent_since_ns.get_or_insert(now_ns);
        }
        let silence_ns = |since| now_ns.saturating_sub(since);
        let is_silent = self.silent_since_ns.map(silence_ns) >= Some(patience_ns);
        if is_silent {
            self.recorder.gave_up_after = Some(Duration::from_nanos(patience_ns));
            self.give_up_all(now_ns);
        }
        !(give_up || is_silent)
    }

    /// Gives up all that is in flight.
    fn give_up_all(&mut self, now_ns: u64) {
        for connection in &mut self.connections {
            if let Some(in_flight) = connection.in_flight {
                self.recorder.timed_out(&in_flight, now_ns);
                self.in_flight -= 1;
                connection.close();
            }
        }
    }
}
