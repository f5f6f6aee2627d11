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

impl Expect {
    /// As it is written on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Plain => "plain",
        }
    }
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

/// Whether the response says that an earlier request made its decision; `None` when it says neither.
pub(crate) fn is_replayed(body: &[u8]) -> Option<bool> {
    let value = member(body, br#""replayed""#)?;
    let said = [(&b"true"[..], true), (b"false", false)];
    let said = said.iter().find(|(text, _)| value.starts_with(text));
    said.map(|(_, replayed)| *replayed)
}

/// The first `status` member decides; the contract writes it near the front, before any text that
/// a caller could have put in.
fn verdict(body: &[u8]) -> Outcome {
    match member(body, br#""status""#) {
        Some(value) if value.starts_with(b"\"AUTHORIZED\"") => Outcome::Authorized,
        Some(value) if value.starts_with(b"\"BLOCKED\"") => Outcome::Blocked,
        _ => Outcome::Unreadable,
    }
}

/// What follows a member's colon. (A server may write spaces around it.)
fn member<'b>(body: &'b [u8], name: &[u8]) -> Option<&'b [u8]> {
    let after = body.get(find(body, name)? + name.len()..)?;
    let value = after.trim_ascii_start().strip_prefix(b":")?;
    Some(value.trim_ascii_start())
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

    #[test]
    fn a_replay_is_what_says_so() {
        let replayed = |body: &str| is_replayed(body.as_bytes());
        assert_eq!(replayed(r#"{"replayed":false}"#), Some(false));
        assert_eq!(replayed(r#"{"replayed" : true}"#), Some(true));
        assert_eq!(replayed(r#"{"replayed":null}"#), None);
        assert_eq!(replayed("{}"), None);
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
