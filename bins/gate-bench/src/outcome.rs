//! What a response means: the verdict it carries, and whether it is the expected one.

use crate::response::find;
use crate::workload::Kind;

/// What the server under load speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Expect {
    /// The gate contract: a 200 to an order carries a verdict.
    Gate,
    /// Any server: every 200 is a success.
    Plain,
}

/// A response, classed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// 200 with status AUTHORIZED.
    Authorized,
    /// 200 with status BLOCKED.
    Blocked,
    /// A success without a verdict: a release, a fill, or a plain server's answer.
    Done,
    /// A 200 to an order without a verdict, which the contract does not allow.
    Unreadable,
    /// Any other status.
    Refused,
}

impl Outcome {
    /// Classes a response to a request of this kind.
    #[must_use]
    pub fn of(expect: Expect, kind: Kind, status: u16, body: &[u8]) -> Self {
        if status != 200 {
            return Self::Refused;
        }
        match (expect, kind) {
            (Expect::Plain, _) | (_, Kind::Release | Kind::Fill) => Self::Done,
            (Expect::Gate, Kind::Authorize | Kind::Blocked | Kind::Replay) => verdict(body),
        }
    }

    /// Whether a working server gives this outcome for a request of this kind.
    #[must_use]
    pub fn is_expected(self, expect: Expect, kind: Kind) -> bool {
        match (expect, kind) {
            (Expect::Plain, _) | (_, Kind::Release | Kind::Fill) => self == Self::Done,
            (Expect::Gate, Kind::Authorize | Kind::Replay) => self == Self::Authorized,
            (Expect::Gate, Kind::Blocked) => self == Self::Blocked,
        }
    }
}

/// The first `status` member decides; the contract writes it near the front, before any text that
/// a caller could have put in.
fn verdict(body: &[u8]) -> Outcome {
    const MEMBER: &[u8] = br#""status""#;
    let after = find(body, MEMBER).and_then(|at| body.get(at + MEMBER.len()..));
    // A server may write spaces around the colon.
    let value = after
        .and_then(|after| after.trim_ascii_start().strip_prefix(b":"))
        .map(<[u8]>::trim_ascii_start);
    match value {
        Some(value) if value.starts_with(b"\"AUTHORIZED\"") => Outcome::Authorized,
        Some(value) if value.starts_with(b"\"BLOCKED\"") => Outcome::Blocked,
        _ => Outcome::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_one_however_the_server_spaces_its_json() {
        let of = |body: &str| Outcome::of(Expect::Gate, Kind::Authorize, 200, body.as_bytes());
        assert_eq!(of(r#"{"status": "AUTHORIZED"}"#), Outcome::Authorized);
        assert_eq!(of("{\n  \"status\" :\n \"BLOCKED\"\n}"), Outcome::Blocked);
        assert_eq!(of(r#"{"status": "AUTHORIZED!"}"#), Outcome::Unreadable);
        assert_eq!(of(r#"{"status" "AUTHORIZED"}"#), Outcome::Unreadable);
    }

    #[track_caller]
    fn check(kind: Kind, status: u16, body: &str, outcome: Outcome) {
        assert_eq!(
            Outcome::of(Expect::Gate, kind, status, body.as_bytes()),
            outcome
        );
    }

    #[test]
    fn a_success_is_what_its_status_member_says_and_else_unreadable() {
        let authorized = r#"{"trace_id":"x","status":"AUTHORIZED","reasons":[]}"#;
        let blocked = r#"{"trace_id":"x","status":"BLOCKED","reasons":["client_suspended"]}"#;
        check(Kind::Authorize, 200, authorized, Outcome::Authorized);
        check(Kind::Authorize, 200, blocked, Outcome::Blocked);
        check(Kind::Authorize, 200, "{}", Outcome::Unreadable);
        check(
            Kind::Authorize,
            200,
            r#"{"status":"AUTHORIZEDX"}"#,
            Outcome::Unreadable,
        );
        check(Kind::Authorize, 503, authorized, Outcome::Refused);
        check(Kind::Release, 200, "{}", Outcome::Done);
    }

    #[test]
    fn a_plain_server_is_not_asked_for_a_verdict_and_a_gate_for_the_right_one() {
        assert!(Outcome::Blocked.is_expected(Expect::Gate, Kind::Blocked));
        assert!(!Outcome::Blocked.is_expected(Expect::Gate, Kind::Authorize));
        assert!(!Outcome::Refused.is_expected(Expect::Plain, Kind::Authorize));
        assert!(Outcome::Done.is_expected(Expect::Plain, Kind::Authorize));
    }
}
