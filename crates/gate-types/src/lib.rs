//! Vocabulary types of the gate crates: exact amounts, exposure, validated ids, sides and time.
//!
//! A value of one of these types was validated when it was made, and is never validated again. No
//! floats, no real clock, no I/O and no wire format here.
//!
//! ```
//! use gate_types::{ContractSize, Notional, Price, Qty};
//!
//! let qty = Qty::parse("100")?;
//! let price = Price::parse("185.55")?;
//! let notional = Notional::of(qty, price, ContractSize::ONE)?;
//! assert_eq!(notional.to_string(), "18555");
//! # Ok::<(), gate_types::AmountError>(())
//! ```
#![cfg_attr(
    not(test),
    warn(
        clippy::float_arithmetic,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]

mod amount;
mod decimal;
mod exposure;
mod id;
mod net;
mod side;
mod text;
mod time;

pub use amount::{ContractSize, Notional, Price, Qty};
pub use decimal::{AmountError, Decimal, MAX_DIGITS, MAX_FRACTION_DIGITS};
pub use exposure::Exposure;
pub use id::{ClientId, ExecId, IdError, MAX_ID_BYTES, OrderId, Symbol};
pub use net::NetNotional;
pub use side::{Side, SideError};
pub use text::AmountText;
pub use time::{Clock, ManualClock, Timestamp};
