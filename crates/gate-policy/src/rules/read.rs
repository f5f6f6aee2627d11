//! Reads the typed `data.json`. Strict: what is not known is refused by its path, so that a typo
//! cannot switch a limit off.

use std::collections::{HashMap, HashSet};

use gate_types::{AmountError, ContractSize, Decimal, Notional, Price};
use serde_json::value::RawValue;

use super::limits::{Collar, Instrument, Limits, TypedData};
use crate::data;

/// What in `data.json` is refused, by its path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("data.json: `{path}` {problem}")]
pub struct DataError {
    /// The member, names joined with points.
    pub path: String,
    /// What is wrong with it.
    pub problem: DataProblem,
}

/// Why a member of `data.json` is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DataProblem {
    /// No rule reads it.
    #[error("is not a known member")]
    Unknown,
    /// Not an object.
    #[error("must be an object")]
    NotAnObject,
    /// Not `true` or `false`.
    #[error("must be true or false")]
    NotABool,
    /// Neither a number nor a decimal string.
    #[error("must be a number, or a string that is one")]
    NotANumber,
    /// A number with a fraction where only a whole one makes sense.
    #[error("must be a whole number")]
    NotWhole,
    /// A number outside what an amount can be.
    #[error("{0}")]
    Amount(AmountError),
}

type Result<T> = std::result::Result<T, DataError>;

impl TypedData {
    /// Reads the whole document.
    ///
    /// # Errors
    /// [`DataError`] names the first member that is refused.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_beside(text, |_| false)
    }

    /// As [`Self::parse`], but ignores unknown members for whose name `is_others` is true.
    pub(crate) fn parse_beside(text: &str, is_others: impl Fn(&str) -> bool) -> Result<Self> {
        let root = At::root(text)?;
        let mut typed = Self::default();
        for member in root.members()? {
            match member.name() {
                "limits" => typed.read_limits(&member)?,
                "instruments" => typed.read_instruments(&member)?,
                "restricted_symbols" => typed.restricted = flags(&member)?,
                "suspended_clients" => typed.suspended = flags(&member)?,
                other if is_others(other) => {}
                _ => return Err(member.refused(DataProblem::Unknown)),
            }
        }
        Ok(typed)
    }

    /// Reads from a Rego bundle's data what Gate itself needs, under the same names: instruments'
    /// contract sizes and clients' exposure limits. Other members are the policy's own, whatever
    /// their shape.
    ///
    /// # Errors
    /// [`DataError`] for a contract size or a limit that is invalid: holds would be wrong.
    pub(crate) fn parse_for_rego(text: &str) -> Result<Self> {
        let mut typed = Self::default();
        for member in At::root(text)?.members()? {
            match member.name() {
                "limits" => typed.read_exposure(&member)?,
                "instruments" => typed.instruments = Some(contract_sizes(&member)?),
                _ => {}
            }
        }
        Ok(typed)
    }

    fn read_exposure(&mut self, at: &At<'_>) -> Result<()> {
        for member in at.members().unwrap_or_default() {
            match member.name() {
                "default" => self.default = max_exposure(&member)?,
                "clients" => {
                    for client in member.members().unwrap_or_default() {
                        if let Some(limits) = max_exposure(&client)? {
                            self.clients.insert(client.name().to_owned(), limits);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn read_limits(&mut self, at: &At<'_>) -> Result<()> {
        let mut own = Vec::new();
        for member in at.members()? {
            match member.name() {
                "default" => self.default = Some(limits(&member)?),
                "clients" => {
                    for client in member.members()? {
                        own.push((client.name().to_owned(), limits(&client)?));
                    }
                }
                _ => return Err(member.refused(DataProblem::Unknown)),
            }
        }
        let default = self.default.unwrap_or_default();
        self.clients = own
            .into_iter()
            .map(|(client, limits)| (client, default.overridden(&limits)))
            .collect();
        Ok(())
    }

    fn read_instruments(&mut self, at: &At<'_>) -> Result<()> {
        let mut instruments = HashMap::new();
        for symbol in at.members()? {
            let mut instrument = Instrument::default();
            for member in symbol.members()? {
                match member.name() {
                    "reference_price" => {
                        instrument.reference_price = Some(member.amount(Price::parse)?);
                    }
                    "contract_size" => {
                        instrument.contract_size = Some(member.amount(ContractSize::parse)?);
                    }
                    // Exposure and rate are limited for clients, not for instruments.
                    "max_order_qty" | "max_order_notional" | "price_collar_pct" => {
                        limit(&mut instrument.limits, &member)?;
                    }
                    _ => return Err(member.refused(DataProblem::Unknown)),
                }
            }
            instruments.insert(symbol.name().to_owned(), instrument);
        }
        self.instruments = Some(instruments);
        Ok(())
    }
}

fn limits(at: &At<'_>) -> Result<Limits> {
    let mut limits = Limits::default();
    for member in at.members()? {
        limit(&mut limits, &member)?;
    }
    Ok(limits)
}

/// The limit on exposure alone.
fn max_exposure(at: &At<'_>) -> Result<Option<Limits>> {
    let mut limits = None;
    for member in at.members().unwrap_or_default() {
        if member.name() == "max_exposure" {
            limit(limits.get_or_insert_default(), &member)?;
        }
    }
    Ok(limits)
}

fn limit(limits: &mut Limits, at: &At<'_>) -> Result<()> {
    match at.name() {
        "max_order_qty" => limits.max_order_qty = Some(at.amount(Decimal::parse)?),
        "max_order_notional" => limits.max_order_notional = Some(at.amount(Notional::parse)?),
        "max_exposure" => limits.max_exposure = Some(at.amount(Notional::parse)?),
        "price_collar_pct" => {
            limits.price_collar_pct = Some(at.amount(Collar::parse)?);
        }
        "max_orders_per_second" => {
            let value = at.amount(Decimal::parse)?;
            if !value.is_integer() {
                return Err(at.refused(DataProblem::NotWhole));
            }
            limits.max_orders_per_second = Some(value.mantissa());
        }
        _ => return Err(at.refused(DataProblem::Unknown)),
    }
    Ok(())
}

/// The names whose value is `true`.
fn flags(at: &At<'_>) -> Result<HashSet<String>> {
    let mut names = HashSet::new();
    for member in at.members()? {
        match member.text() {
            "true" => {
                names.insert(member.name().to_owned());
            }
            "false" => {}
            _ => return Err(member.refused(DataProblem::NotABool)),
        }
    }
    Ok(names)
}

fn contract_sizes(at: &At<'_>) -> Result<HashMap<String, Instrument>> {
    let mut instruments = HashMap::new();
    // A policy may keep its instruments in another shape; then there are no contract sizes.
    for symbol in at.members().unwrap_or_default() {
        for member in symbol.members().unwrap_or_default() {
            if member.name() == "contract_size" {
                let instrument = Instrument {
                    contract_size: Some(member.amount(ContractSize::parse)?),
                    ..Instrument::default()
                };
                instruments.insert(symbol.name().to_owned(), instrument);
            }
        }
    }
    Ok(instruments)
}

/// A value and its path.
struct At<'a> {
    path: Vec<String>,
    value: &'a RawValue,
}

impl<'a> At<'a> {
    fn root(text: &'a str) -> Result<Self> {
        let value = serde_json::from_str(text).map_err(|_| DataError {
            path: String::new(),
            problem: DataProblem::NotAnObject,
        })?;
        let path = Vec::new();
        Ok(Self { path, value })
    }

    fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    fn text(&self) -> &'a str {
        self.value.get()
    }

    fn refused(&self, problem: DataProblem) -> DataError {
        DataError {
            path: self.path.join("."),
            problem,
        }
    }

    fn members(&self) -> Result<Vec<At<'a>>> {
        let members = data::object(self.value).ok_or(self.refused(DataProblem::NotAnObject))?;
        let inner = |(name, value)| {
            let mut path = self.path.clone();
            path.push(name);
            At { path, value }
        };
        Ok(members.into_iter().map(inner).collect())
    }

    /// A JSON number or a string that is one, read exactly.
    fn amount<T>(&self, parse: impl Fn(&str) -> std::result::Result<T, AmountError>) -> Result<T> {
        let text = self.text();
        let owned;
        let digits = match text.as_bytes().first() {
            Some(b'"') => {
                owned = serde_json::from_str::<String>(text)
                    .map_err(|_| self.refused(DataProblem::NotANumber))?;
                owned.as_str()
            }
            Some(b'-' | b'0'..=b'9') => text,
            _ => return Err(self.refused(DataProblem::NotANumber)),
        };
        parse(digits).map_err(|error| {
            self.refused(match error {
                AmountError::NotANumber => DataProblem::NotANumber,
                other => DataProblem::Amount(other),
            })
        })
    }
}
