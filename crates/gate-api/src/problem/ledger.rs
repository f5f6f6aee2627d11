//! Maps the ledger's and the policy's errors to problems.

use gate_policy::QueryError;
use gate_state::{
    DecideError, FillError, NotDurable, PositionError, ReadError, RecordError, ReleaseError,
};

use super::{Code, Problem};

impl From<NotDurable> for Problem {
    fn from(NotDurable: NotDurable) -> Self {
        let detail = "the journal could not be written; nothing is authorized until it can be";
        Self::new(Code::NotDurable, detail)
    }
}

impl From<DecideError> for Problem {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::Conflict { seq } => {
                let what = format!(
                    "was used for a different order (decision {seq}); a new order needs a new id"
                );
                Self::of_member(Code::OrderConflict, "order.client_order_id", what)
            }
            DecideError::Overloaded => overloaded(),
            DecideError::TooLarge => Self::new(Code::Internal, error.to_string()),
            DecideError::MemoryFull => {
                let detail = "the ledger remembers as many orders as it may; older ones must end";
                Self::new(Code::CapacityReached, detail)
            }
            DecideError::ClientFull => {
                let detail = "the ledger remembers as many orders of this client as it may; older ones must end";
                Self::new(Code::CapacityReached, detail)
            }
            DecideError::SymbolsFull => {
                let detail = "the ledger remembers as many symbols as it may, until it starts again: which symbols there are is the policy's to say";
                Self::new(Code::CapacityReached, detail)
            }
            DecideError::ContextReplaced => {
                let detail = "another policy came into force meanwhile: ask again";
                Self::new(Code::Overloaded, detail)
            }
            DecideError::NotDurable(error) => error.into(),
        }
    }
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Overloaded => overloaded(),
            RecordError::TooLarge => Self::new(Code::Internal, error.to_string()),
            RecordError::NotDurable(error) => error.into(),
        }
    }
}

impl From<ReleaseError> for Problem {
    fn from(error: ReleaseError) -> Self {
        match error {
            ReleaseError::UnknownOrder => unknown_order(),
            ReleaseError::TooManyReports => Self::new(Code::TooManyReports, error.to_string()),
            ReleaseError::Overloaded => overloaded(),
            ReleaseError::TooLarge => Self::new(Code::Internal, error.to_string()),
            ReleaseError::NotDurable(error) => error.into(),
        }
    }
}

impl From<FillError> for Problem {
    fn from(error: FillError) -> Self {
        match error {
            FillError::UnknownOrder => unknown_order(),
            FillError::BlockedOrder => {
                let what = "names an order that was blocked, so nothing of it can have traded";
                Self::of_member(Code::OrderConflict, "client_order_id", what)
            }
            FillError::Conflict { seq } => {
                let what =
                    format!("was used for a fill of another quantity or price (record {seq})");
                Self::of_member(Code::OrderConflict, "exec_id", what)
            }
            FillError::TooManyReports => Self::new(Code::TooManyReports, error.to_string()),
            FillError::OutOfRange => {
                Self::of_member(Code::InvalidMember, "qty", "times `price` is out of range")
            }
            FillError::Overloaded => overloaded(),
            FillError::TooLarge => Self::new(Code::Internal, error.to_string()),
            FillError::NotDurable(error) => error.into(),
        }
    }
}

impl From<PositionError> for Problem {
    fn from(error: PositionError) -> Self {
        match error {
            PositionError::Unexpected { found } => {
                let what = format!("is not what the position is: {found}");
                Self::of_member(Code::PositionChanged, "expected", what)
            }
            PositionError::Overloaded => overloaded(),
            PositionError::TooLarge => Self::new(Code::Internal, error.to_string()),
            PositionError::NotDurable(error) => error.into(),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotFound => unknown_order(),
            ReadError::NotDurable(error) => error.into(),
            ReadError::Damaged(_) | ReadError::Sqlite(_) => Self::new(
                Code::Internal,
                format!("the journal could not be read: {error}"),
            ),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::TooLarge(_) => Self::of_member(Code::InvalidMember, "input", error),
            QueryError::Evaluation(_) | QueryError::Timeout => {
                Self::new(Code::QueryFailed, error.to_string())
            }
        }
    }
}

fn overloaded() -> Problem {
    Problem::new(Code::Overloaded, "too many records wait for the journal")
}

pub(crate) fn unknown_order() -> Problem {
    Problem::new(
        Code::UnknownOrder,
        "no order of that client and id is remembered",
    )
}
