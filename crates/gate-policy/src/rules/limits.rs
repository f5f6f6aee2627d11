//! The typed `data.json`: what may be set, and which limit applies to whom.

use std::collections::{HashMap, HashSet};
use std::fmt;

use gate_types::{AmountError, ContractSize, Decimal, Notional, Price};

/// The limits that apply to one client or instrument. An unset member is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// The most one order may ask for, in units of quantity.
    pub max_order_qty: Option<Decimal>,
    /// The most one order may put at risk.
    pub max_order_notional: Option<Notional>,
    /// The most a client may have at risk in all, this order included.
    pub max_exposure: Option<Notional>,
    /// How far from the reference price a price may be.
    pub price_collar_pct: Option<Collar>,
    /// How many orders a client may send within one second.
    pub max_orders_per_second: Option<u64>,
}

impl Limits {
    /// These limits, each replaced by the other's where the other sets it.
    pub(super) fn overridden(&self, by: &Self) -> Self {
        Self {
            max_order_qty: by.max_order_qty.or(self.max_order_qty),
            max_order_notional: by.max_order_notional.or(self.max_order_notional),
            max_exposure: by.max_exposure.or(self.max_exposure),
            price_collar_pct: by.price_collar_pct.or(self.price_collar_pct),
            max_orders_per_second: by.max_orders_per_second.or(self.max_orders_per_second),
        }
    }

    /// The tighter of the two, member by member.
    pub(super) fn tightened(&self, by: &Self) -> Self {
        Self {
            max_order_qty: tighter(self.max_order_qty, by.max_order_qty),
            max_order_notional: tighter(self.max_order_notional, by.max_order_notional),
            max_exposure: tighter(self.max_exposure, by.max_exposure),
            price_collar_pct: tighter(self.price_collar_pct, by.price_collar_pct),
            max_orders_per_second: tighter(self.max_orders_per_second, by.max_orders_per_second),
        }
    }
}

/// The limits that are set, by name.
impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: Option<&dyn fmt::Display>| value.map(ToString::to_string);
        let all = [
            (
                "max_order_qty",
                show(self.max_order_qty.as_ref().map(|v| v as _)),
            ),
            (
                "max_order_notional",
                show(self.max_order_notional.as_ref().map(|v| v as _)),
            ),
            (
                "max_exposure",
                show(self.max_exposure.as_ref().map(|v| v as _)),
            ),
            (
                "price_collar_pct",
                show(self.price_collar_pct.as_ref().map(|v| v as _)),
            ),
            (
                "max_orders_per_second",
                show(self.max_orders_per_second.as_ref().map(|v| v as _)),
            ),
        ];
        let set: Vec<String> = all
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", value?)))
            .collect();
        f.write_str(if set.is_empty() { "none set" } else { "" })?;
        f.write_str(&set.join(" "))
    }
}

fn tighter<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// A price collar: so many per cent to either side of the reference price, ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Collar {
    micro_percent: u128,
}

impl Collar {
    /// Reads a width in per cent, with at most six digits after the point.
    ///
    /// # Errors
    /// As [`Decimal::parse`]; [`AmountError::TooManyFractionDigits`] beyond six.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let micro_percent = Notional::parse(text)?.micros();
        Ok(Self { micro_percent })
    }

    /// Whether the price is outside: `|price − reference| × 100 > percent × reference`, exactly.
    #[must_use]
    pub fn excludes(self, price: Price, reference: Price) -> bool {
        let (price, reference) = (price.decimal().nanos(), reference.decimal().nanos());
        // Both sides times 10^6, for the millionths of a per cent.
        // INVARIANT: the left side is below 10^27 · 10^8, which fits in a u128.
        let distance = price.abs_diff(reference).saturating_mul(100_000_000);
        // A product that does not fit is larger than any distance.
        self.micro_percent
            .checked_mul(reference)
            .is_some_and(|allowed| distance > allowed)
    }
}

/// The width in per cent of the reference price.
impl fmt::Display for Collar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Notional::from_micros(self.micro_percent) {
            Ok(percent) => fmt::Display::fmt(&percent, f),
            Err(_) => f.write_str("∞"),
        }
    }
}

/// What `instruments` says about one symbol.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Instrument {
    pub(super) reference_price: Option<Price>,
    pub(super) contract_size: Option<ContractSize>,
    pub(super) limits: Limits,
}

/// The data of the built-in rules, read once.
#[derive(Debug, Default)]
pub struct TypedData {
    pub(super) default: Option<Limits>,
    /// Each client's own entry, already laid over the default.
    pub(super) clients: HashMap<String, Limits>,
    pub(super) instruments: Option<HashMap<String, Instrument>>,
    pub(super) restricted: HashSet<String>,
    pub(super) suspended: HashSet<String>,
}

impl TypedData {
    /// The limits that apply to a client; `None` when nothing sets any.
    #[must_use]
    pub fn limits(&self, client_id: &str) -> Option<&Limits> {
        self.clients.get(client_id).or(self.default.as_ref())
    }

    /// The limits of a client without an entry of its own.
    #[must_use]
    pub const fn default_limits(&self) -> Option<&Limits> {
        self.default.as_ref()
    }

    /// The clients that have an entry of their own, with the limits that apply to them.
    pub fn clients(&self) -> impl Iterator<Item = (&str, &Limits)> {
        self.clients
            .iter()
            .map(|(id, limits)| (id.as_str(), limits))
    }

    /// Units that one unit of quantity of `symbol` stands for; one when not set.
    #[must_use]
    pub fn contract_size(&self, symbol: &str) -> ContractSize {
        self.instrument(symbol)
            .and_then(|instrument| instrument.contract_size)
            .unwrap_or(ContractSize::ONE)
    }

    /// Symbols that `instruments` lists; `None` when it is not set.
    #[must_use]
    pub fn instrument_count(&self) -> Option<usize> {
        self.instruments.as_ref().map(HashMap::len)
    }

    /// Symbols that may not be traded.
    #[must_use]
    pub fn restricted_count(&self) -> usize {
        self.restricted.len()
    }

    /// Clients that may not trade.
    #[must_use]
    pub fn suspended_count(&self) -> usize {
        self.suspended.len()
    }

    pub(super) fn instrument(&self, symbol: &str) -> Option<&Instrument> {
        self.instruments.as_ref()?.get(symbol)
    }

    pub(super) const fn lists_instruments(&self) -> bool {
        self.instruments.is_some()
    }

    pub(super) fn is_restricted(&self, symbol: &str) -> bool {
        self.restricted.contains(symbol)
    }

    pub(super) fn is_suspended(&self, client_id: &str) -> bool {
        self.suspended.contains(client_id)
    }
}
