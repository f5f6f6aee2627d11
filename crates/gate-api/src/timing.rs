//! The five segments of a decision's time, and how they are written.

use gate_types::Clock;

/// How long each part of one decision took, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timing {
    /// From bytes to a typed request, digest included.
    pub parse_ns: u64,
    /// Evaluating the policy.
    pub policy_ns: u64,
    /// The ledger: find the client, check, reserve; and the wait for the commit once the token is
    /// signed.
    pub state_ns: u64,
    /// Write and sign the token, while the journal commits.
    pub sign_ns: u64,
    /// From the request's arrival to the finished reply; more than the sum of the others if the
    /// request waited for its turn.
    pub total_ns: u64,
}

impl Timing {
    /// The segments with their names, in the order of reports.
    #[must_use]
    pub const fn segments(&self) -> [(&'static str, u64); 5] {
        [
            ("parse", self.parse_ns),
            ("policy", self.policy_ns),
            ("state", self.state_ns),
            ("sign", self.sign_ns),
            ("total", self.total_ns),
        ]
    }

    /// Appends `{"parse":0.001234,…}`: milliseconds with six digits, exact to the nanosecond.
    pub fn write_json_ms(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (index, (name, nanos)) in self.segments().into_iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.push(b'"');
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            write_ms(out, nanos);
        }
        out.push(b'}');
    }
}

fn write_ms(out: &mut Vec<u8>, nanos: u64) {
    const NANOS_PER_MS: u64 = 1_000_000;
    out.extend_from_slice(itoa::Buffer::new().format(nanos / NANOS_PER_MS).as_bytes());
    let mut fraction = *b".000000";
    let mut rest = nanos % NANOS_PER_MS;
    for digit in fraction.iter_mut().skip(1).rev() {
        // INVARIANT: a remainder by ten is a digit.
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    out.extend_from_slice(&fraction);
}

/// Measures segments by a clock.
pub(crate) struct Stopwatch<'a> {
    clock: &'a dyn Clock,
    started_ns: u64,
    last_ns: u64,
}

impl<'a> Stopwatch<'a> {
    /// Starts for a request that arrived at that monotonic time.
    pub(crate) fn start(clock: &'a dyn Clock, arrived_ns: u64) -> Self {
        Self {
            clock,
            started_ns: arrived_ns,
            last_ns: clock.monotonic_ns(),
        }
    }

    /// Nanoseconds since the last lap.
    pub(crate) fn lap_ns(&mut self) -> u64 {
        let now_ns = self.clock.monotonic_ns();
        let lap_ns = now_ns.saturating_sub(self.last_ns);
        self.last_ns = now_ns;
        lap_ns
    }

    /// When the stopwatch was started and last read, for another thread to continue.
    pub(crate) const fn marks(&self) -> (u64, u64) {
        (self.started_ns, self.last_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_exact_to_the_nanosecond() {
        for (nanos, text) in [
            (0, "0.000000"),
            (1, "0.000001"),
            (1_234, "0.001234"),
            (999_999, "0.999999"),
            (1_000_000, "1.000000"),
            (123_456_789_012, "123456.789012"),
            (u64::MAX, "18446744073709.551615"),
        ] {
            let mut out = Vec::new();
            write_ms(&mut out, nanos);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn json_has_the_five_segments() {
        let timing = Timing {
            parse_ns: 1,
            policy_ns: 2,
            state_ns: 3,
            sign_ns: 4,
            total_ns: 5_000_000,
        };
        let mut out = Vec::new();
        timing.write_json_ms(&mut out);
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(json["sign"], 0.000_004);
        assert_eq!(json["total"], 5.0);
        assert_eq!(json.as_object().unwrap().len(), 5);
    }
}
