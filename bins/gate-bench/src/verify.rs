//! Checks sampled responses: are their tokens genuine and about the order that was sent, and where
//! did the server spend its time?

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gate_token::{Expectations, KeyRing, Status};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::outcome::Outcome;
use crate::recorder::latency_histogram;
use crate::run::Run;
use crate::sample::Sample;
use crate::workload::WorkloadConfig;

/// The members of a response's body that are read.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(default, borrow)]
    decision_token: Option<&'a RawValue>,
    #[serde(default)]
    timing_ms: BTreeMap<String, f64>,
}

/// Just the audience of a token.
#[derive(Deserialize)]
struct Peeked {
    payload: PeekedPayload,
}

#[derive(Deserialize)]
struct PeekedPayload {
    aud: String,
}

/// The server's segment timings by name.
#[derive(Debug)]
pub struct Segments([(&'static str, Histogram<u64>); 5]);

impl Segments {
    /// Reads the `timing_ms` of every sample that has one.
    #[must_use]
    pub fn of(samples: &[Sample]) -> Self {
        let mut segments = Self(
            ["parse", "policy", "state", "sign", "total"].map(|name| (name, latency_histogram())),
        );
        for sample in samples {
            let Ok(body) = serde_json::from_slice::<Body<'_>>(&sample.body) else {
                continue;
            };
            for (name, histogram) in &mut segments.0 {
                if let Some(ms) = body.timing_ms.get(*name) {
                    histogram.saturating_record((ms * 1e6).round() as u64);
                }
            }
        }
        segments
    }

    /// Name and nanoseconds of each segment that was seen.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Histogram<u64>)> {
        self.0
            .iter()
            .filter(|(_, histogram)| !histogram.is_empty())
            .map(|(name, histogram)| (*name, histogram))
    }
}

/// What became of the sampled tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// Responses looked at.
    pub sampled: u64,
    /// Genuine, and about the order that was asked.
    pub verified: u64,
    /// The others.
    pub failed: u64,
    /// Why they failed, and how often.
    pub reasons: BTreeMap<String, u64>,
    /// False when no keys were given, so that nothing could be verified.
    pub checked: bool,
}

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.checked {
            return write!(f, "{} sampled, none verified (no --keys)", self.sampled);
        }
        write!(f, "{} of {} sampled verified", self.verified, self.sampled)?;
        for (reason, count) in &self.reasons {
            write!(f, ", {count} {reason}")?;
        }
        Ok(())
    }
}

/// What a token is checked against.
#[derive(Debug)]
pub struct Verifier<'a> {
    /// The server's keys.
    pub keys: &'a KeyRing,
    /// The audience; `None` takes whichever the token names.
    pub aud: Option<&'a str>,
    /// What was asked.
    pub workload: &'a WorkloadConfig,
    /// The run's zero, by the wall clock.
    pub zero: SystemTime,
}

/// The two clocks may differ by this much; on one machine they are the same.
const LEEWAY_S: u64 = 5;

impl Verifier<'_> {
    /// Whether the sample's token is genuine, speaks for the order that was sent and gives the
    /// verdict that the response gives.
    ///
    /// # Errors
    /// The reason why not: a code of [`gate_token::VerifyError`] or one of ours.
    pub fn check(&self, sample: &Sample) -> Result<(), String> {
        let body: Body<'_> =
            serde_json::from_slice(&sample.body).map_err(|_| "unreadable_response")?;
        let token = body.decision_token.ok_or("no_token")?.get();
        let named = match self.aud {
            Some(aud) => aud.to_owned(),
            None => {
                let peeked: Peeked = serde_json::from_str(token).map_err(|_| "malformed")?;
                peeked.payload.aud
            }
        };
        let received = self.zero + Duration::from_nanos(sample.received_ns);
        let expect = Expectations {
            aud: &named,
            now_s: received
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs(),
            leeway_s: LEEWAY_S,
        };
        let order = self.workload.order_json(sample.kind, sample.order);
        let digest = gate_token::order::digest_of_json(order.as_bytes())
            .map_err(|_| "order_without_digest")?;
        let claims = gate_token::verify_for_order(token.as_bytes(), self.keys, &expect, &digest)
            .map_err(gate_token::VerifyError::as_str)?;
        let status = match sample.outcome {
            Outcome::Authorized => Status::Authorized,
            _ => Status::Blocked,
        };
        if claims.status != status {
            return Err("status_differs_from_response".into());
        }
        if claims.client_id != self.workload.client_name(sample.order) {
            return Err("client_differs_from_request".into());
        }
        Ok(())
    }
}

impl Tokens {
    fn of(samples: &[Sample], verifier: Option<&Verifier<'_>>) -> Self {
        let mut tokens = Self {
            sampled: samples.len() as u64,
            checked: verifier.is_some(),
            ..Self::default()
        };
        let Some(verifier) = verifier else {
            return tokens;
        };
        for sample in samples {
            match verifier.check(sample) {
                Ok(()) => tokens.verified += 1,
                Err(reason) => {
                    tokens.failed += 1;
                    *tokens.reasons.entry(reason).or_default() += 1;
                }
            }
        }
        tokens
    }
}

/// Checks every sample of a run; without keys no token is verified.
#[must_use]
pub fn look(run: &Run, keys: Option<&KeyRing>, aud: Option<&str>) -> (Tokens, Segments) {
    let samples = run.recorder.samples.kept();
    let verifier = keys.map(|keys| Verifier {
        keys,
        aud,
        workload: &run.config.workload,
        zero: run.zero,
    });
    (
        Tokens::of(samples, verifier.as_ref()),
        Segments::of(samples),
    )
}

#[cfg(test)]
mod tests;
