//! Every error that a caller can get: HTTP status, stable code, text. No other module maps an error
//! to a status. A test compares `docs/api.md` with this list.

mod ledger;

use std::borrow::Cow;

use gate_token::canonical;

use crate::request::MAX_BODY_BYTES;

pub(crate) use ledger::unknown_order;

/// The stable code of a [`Problem`]; it determines the HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// 400: the body is not JSON.
    MalformedJson,
    /// 400: an object names a member twice.
    DuplicateMember,
    /// 404: no such resource.
    NotFound,
    /// 404: the order was never authorized here, or is no longer remembered.
    UnknownOrder,
    /// 405: the resource has no such method.
    MethodNotAllowed,
    /// 408: the request did not arrive in time.
    RequestTimeout,
    /// 409: this order id was used for a different order.
    OrderConflict,
    /// 409: the position is not the one that the caller expects.
    PositionChanged,
    /// 409: the order has had as many fills and releases by quantity as one may have.
    TooManyReports,
    /// 409: the new policy or key file is unfit; the old one stays in force.
    ReloadRefused,
    /// 413: the body is larger than the limit.
    BodyTooLarge,
    /// 415: the content type is not `application/json`.
    UnsupportedMediaType,
    /// 422: a member has a wrong type or value.
    InvalidMember,
    /// 422: a member is missing.
    MissingMember,
    /// 422: a member is unknown to this request.
    UnknownMember,
    /// 500, as in OPA: the policy cannot answer the query, by its own error or within the time.
    QueryFailed,
    /// 500: a defect of this service.
    Internal,
    /// 503: the journal cannot be written; nothing is decided until it can.
    NotDurable,
    /// 503: the active signing key is not valid now, or the key of an earlier decision is gone.
    KeyNotValid,
    /// 503: too many requests wait for the journal.
    Overloaded,
    /// 503: the limit of remembered orders, or of this client's, is reached.
    CapacityReached,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 21] = [
        Self::MalformedJson,
        Self::DuplicateMember,
        Self::NotFound,
        Self::UnknownOrder,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::OrderConflict,
        Self::PositionChanged,
        Self::TooManyReports,
        Self::ReloadRefused,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::InvalidMember,
        Self::MissingMember,
        Self::UnknownMember,
        Self::QueryFailed,
        Self::Internal,
        Self::NotDurable,
        Self::KeyNotValid,
        Self::Overloaded,
        Self::CapacityReached,
    ];

    /// The code, the HTTP status and the title.
    const fn row(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::MalformedJson => ("malformed_json", 400, "The body is not JSON"),
            Self::DuplicateMember => ("duplicate_member", 400, "A member is given twice"),
            Self::NotFound => ("not_found", 404, "There is nothing here"),
            Self::UnknownOrder => ("unknown_order", 404, "The order is not known"),
            Self::MethodNotAllowed => ("method_not_allowed", 405, "The method is not allowed"),
            Self::RequestTimeout => (
                "request_timeout",
                408,
                "The request took too long to arrive",
            ),
            Self::OrderConflict => ("order_conflict", 409, "The order id is taken"),
            Self::PositionChanged => ("position_changed", 409, "The position is another"),
            Self::TooManyReports => (
                "too_many_reports",
                409,
                "The order has had too many reports",
            ),
            Self::ReloadRefused => ("reload_refused", 409, "The change is not in force"),
            Self::BodyTooLarge => ("body_too_large", 413, "The body is too large"),
            Self::UnsupportedMediaType => (
                "unsupported_media_type",
                415,
                "The content type is not application/json",
            ),
            Self::InvalidMember => ("invalid_member", 422, "A member is invalid"),
            Self::MissingMember => ("missing_member", 422, "A member is missing"),
            Self::UnknownMember => ("unknown_member", 422, "A member is not known"),
            Self::QueryFailed => ("query_failed", 500, "The policy has no answer"),
            Self::Internal => ("internal", 500, "The service failed"),
            Self::NotDurable => ("not_durable", 503, "The journal cannot be written"),
            Self::KeyNotValid => ("key_not_valid", 503, "The signing key is not valid now"),
            Self::Overloaded => ("overloaded", 503, "Too many requests are waiting"),
            Self::CapacityReached => ("capacity_reached", 503, "The ledger is full"),
        }
    }

    /// The code as written on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.row().1
    }

    /// Seconds after which to try again (RFC 9110 §10.2.3), for 503.
    #[must_use]
    pub const fn retry_after_s(self) -> Option<u32> {
        match self {
            Self::Overloaded | Self::NotDurable => Some(1),
            Self::CapacityReached | Self::KeyNotValid => Some(60),
            _ => None,
        }
    }
}

/// An error as the caller sees it (RFC 9457, `application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", code.as_str())]
pub struct Problem {
    code: Code,
    member: Option<Cow<'static, str>>,
    detail: Cow<'static, str>,
}

impl Problem {
    /// The media type of [`Problem::to_json`].
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// A problem with the request as a whole.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            member: None,
            detail: detail.into(),
        }
    }

    /// A body of more than [`MAX_BODY_BYTES`].
    #[must_use]
    pub fn body_too_large() -> Self {
        let detail = format!("the body is larger than {MAX_BODY_BYTES} bytes");
        Self::new(Code::BodyTooLarge, detail)
    }

    /// A problem with one member, named by its path (`order.qty`).
    #[must_use]
    pub fn of_member(
        code: Code,
        member: impl Into<Cow<'static, str>>,
        what: impl std::fmt::Display,
    ) -> Self {
        let member = member.into();
        let detail = format!("`{member}` {what}").into();
        Self {
            code,
            member: Some(member),
            detail,
        }
    }

    /// A defect of this service.
    pub(crate) fn internal(error: &dyn std::fmt::Display) -> Self {
        Self::new(
            Code::Internal,
            format!("this should not have happened: {error}"),
        )
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The path of the member at fault, if it is one member.
    #[must_use]
    pub fn member(&self) -> Option<&str> {
        self.member.as_deref()
    }

    /// What was wrong, in words.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The response body.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let (code, status, title) = self.code.row();
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(b"{\"type\":\"urn:gate:problem:");
        out.extend_from_slice(code.as_bytes());
        out.extend_from_slice(b"\",\"title\":");
        canonical::write_string(&mut out, title);
        out.extend_from_slice(format!(",\"status\":{status},\"code\":\"{code}\"").as_bytes());
        out.extend_from_slice(b",\"detail\":");
        canonical::write_string(&mut out, &self.detail);
        if let Some(member) = &self.member {
            out.extend_from_slice(b",\"member\":");
            canonical::write_string(&mut out, member);
        }
        out.push(b'}');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_all_are_listed() {
        let mut codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Code::ALL.len());
    }

    /// `docs/api.md` must list exactly these codes.
    #[test]
    fn the_documentation_lists_every_code_with_its_status_and_no_other() {
        let documentation = include_str!("../../../docs/api.md");
        let (_, table) = documentation.split_once("## Problems").unwrap();
        let rows: Vec<String> = table
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.rsplit_once(" | ").unwrap().0.to_owned())
            .collect();
        let expected: Vec<_> = Code::ALL
            .iter()
            .map(|code| format!("| `{}` | {}", code.as_str(), code.status()))
            .collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn every_unavailable_says_when_to_come_back_and_nothing_else_does() {
        for code in Code::ALL {
            assert_eq!(
                code.retry_after_s().is_some(),
                code.status() == 503,
                "{code:?}"
            );
        }
    }

    #[test]
    fn body_is_json_and_escapes_what_the_caller_wrote() {
        let problem = Problem::of_member(Code::InvalidMember, "order.\"x\"\n", "is wrong");
        let body: serde_json::Value = serde_json::from_slice(&problem.to_json()).unwrap();
        assert_eq!(body["code"], "invalid_member");
        assert_eq!(body["status"], 422);
        assert_eq!(body["member"], "order.\"x\"\n");
        assert_eq!(body["detail"], "`order.\"x\"\n` is wrong");
    }
}
