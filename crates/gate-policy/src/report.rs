//! What a broker asks about a bundle before it is put in force: does it compile, does it pass its
//! tests, and what would it change.

use std::fmt;

use gate_types::Notional;

use crate::activate::{ActivateError, Activation, on_own_stack};
use crate::bundle::Bundle;
use crate::pacing::Steps;
use crate::policy::{Policy, PolicyIdentity};
use crate::recorded::RecordedInput;
use crate::rego::{EvalLimits, asks};
use crate::rules::{DataError, Limits, TypedData};
use crate::selftest::{self, TestReport};
use crate::verdict::Verdict;

/// What a bundle that compiles is made of.
#[derive(Debug)]
pub struct CheckReport {
    /// Revision, hash and engine.
    pub identity: PolicyIdentity,
    /// Its files.
    pub paths: Vec<String>,
    /// The builtins its rules call, sorted.
    pub builtins: Vec<String>,
    /// Optional members of an order and its context that rules read, sorted (`input.context.desk`).
    /// An export of the journal has none of them.
    pub asks: Vec<String>,
    /// Members that rules read and no order has (`input.exposure.opn_orders`), sorted: a condition with one
    /// never holds. Where the Data API asks, the input may have them.
    pub never: Vec<String>,
    /// What `data.json` really sets, or why it is not the built-in rules' data. The latter can
    /// only be in a bundle with Rego, and is a warning: its rules may read other data, but a
    /// misspelt limit looks just like that.
    pub data: Result<TypedData, DataError>,
    /// What Gate itself takes from the data of a bundle with Rego: exposure limits, for the ledger,
    /// and contract sizes. `None` for a bundle without Rego, where `data` has it all.
    pub ledger: Option<TypedData>,
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PolicyIdentity {
            revision,
            hash,
            engine,
        } = &self.identity;
        writeln!(
            f,
            "revision   {revision}\nhash       {hash}\nengine     {engine}"
        )?;
        writeln!(f, "files      {}", self.paths.join(" "))?;
        if !self.builtins.is_empty() {
            writeln!(f, "builtins   {}", self.builtins.join(" "))?;
        }
        if !self.asks.is_empty() {
            writeln!(f, "asks for   {}", self.asks.join(" "))?;
        }
        for member in &self.never {
            writeln!(
                f,
                "warning    no order has {member}: what needs it is undefined, and denies nothing"
            )?;
        }
        match (&self.ledger, &self.data) {
            (None, Ok(data)) => write_data(f, data, true),
            (Some(_), Ok(data)) => {
                write_data(f, data, false)?;
                writeln!(
                    f,
                    "enforced   max_exposure, by the ledger; any other limit only where a rule reads it"
                )
            }
            (None, Err(error)) => writeln!(f, "warning    {error}"),
            (Some(ledger), Err(error)) => {
                write_ledger(f, ledger)?;
                writeln!(
                    f,
                    "warning    {error} of the built-in rules' data: the policy's own, or misspelt"
                )
            }
        }
    }
}

/// What the ledger enforces beside the policy's own answer.
fn write_ledger(f: &mut fmt::Formatter<'_>, ledger: &TypedData) -> fmt::Result {
    let limit = |limits: &Limits| {
        limits
            .max_exposure
            .map_or_else(String::new, |limit| limit.to_string())
    };
    match ledger.default_limits() {
        Some(limits) => writeln!(f, "exposure   of each client at most {}", limit(limits))?,
        None => writeln!(
            f,
            "exposure   no limit for all in data.limits: the policy's answer may name one"
        )?,
    }
    for (id, limits) in sorted(ledger) {
        writeln!(f, "exposure   of {id} at most {}", limit(limits))?;
    }
    match ledger.instrument_count() {
        Some(count) => writeln!(f, "contract sizes of {count} symbols"),
        None => Ok(()),
    }
}

fn sorted(data: &TypedData) -> Vec<(&str, &Limits)> {
    let mut clients: Vec<_> = data.clients().collect();
    clients.sort_unstable_by_key(|(id, _)| *id);
    clients
}

/// Writes all of the data and, where the built-in rules use it, what follows for clients and
/// symbols that are not listed.
fn write_data(f: &mut fmt::Formatter<'_>, data: &TypedData, is_builtin: bool) -> fmt::Result {
    let follows = |text| if is_builtin { text } else { "" };
    match data.default_limits() {
        Some(limits) => writeln!(f, "default    {limits}")?,
        None => writeln!(
            f,
            "default    no limits{}",
            follows(": a client without an entry is blocked")
        )?,
    }
    for (id, limits) in sorted(data) {
        writeln!(f, "client     {id}: {limits}")?;
    }
    match data.instrument_count() {
        Some(count) => writeln!(
            f,
            "instruments {count}{}",
            follows("; any other is blocked")
        )?,
        None => writeln!(f, "instruments not set{}", follows(": any symbol is taken"))?,
    }
    writeln!(
        f,
        "restricted {} symbols; suspended {} clients",
        data.restricted_count(),
        data.suspended_count()
    )
}

/// Compiles a bundle, without running its tests.
///
/// # Errors
/// [`ActivateError`], never [`ActivateError::Tests`].
pub fn check(bundle: &Bundle) -> Result<CheckReport, ActivateError> {
    on_own_stack(|| check_here(bundle))
}

fn check_here(bundle: &Bundle) -> Result<CheckReport, ActivateError> {
    let activation = Activation::prepare(bundle, EvalLimits::default(), &Steps::at_once())?;
    let (builtins, ledger) = match &activation {
        Activation::Builtin(_) => (Vec::new(), None),
        Activation::Rego(policy) => {
            let ledger = TypedData::parse_for_rego(bundle.data());
            (policy.builtins().to_vec(), ledger.ok())
        }
    };
    let asks::Asked { optional, never } = asks::beyond_every_order(bundle)?;
    Ok(CheckReport {
        identity: activation.policy().identity().clone(),
        paths: bundle.paths().map(str::to_owned).collect(),
        builtins,
        asks: optional,
        never,
        data: TypedData::parse(bundle.data()),
        ledger,
    })
}

/// Runs a bundle's tests, each evaluation within `limits`; a failure is in the report, not an error.
///
/// # Errors
/// [`ActivateError`] when the bundle does not compile, never [`ActivateError::Tests`].
pub fn test(bundle: &Bundle, limits: EvalLimits) -> Result<TestReport, ActivateError> {
    on_own_stack(|| {
        let steps = Steps::at_once();
        let activation = Activation::prepare(bundle, limits, &steps)?;
        Ok(selftest::run(bundle, &activation, &steps)?)
    })
}

/// What another policy would have decided differently.
#[derive(Debug, Clone, Default)]
pub struct DiffReport {
    /// Orders looked at.
    pub orders: usize,
    /// Orders with another verdict or other reasons.
    pub changes: Vec<Change>,
    /// Notional, under the old policy's contract sizes, of orders that would no longer be
    /// allowed.
    pub newly_blocked: Notional,
    /// Notional, under the new policy's contract sizes, of orders that would now be allowed.
    pub newly_allowed: Notional,
}

/// One order with another verdict or other reasons.
#[derive(Debug, Clone)]
pub struct Change {
    /// Who sent it.
    pub client_id: String,
    /// The client's name for it.
    pub client_order_id: String,
    /// What it puts at risk under the new policy's contract size.
    pub notional: Notional,
    /// The old verdict.
    pub old: Verdict,
    /// The new verdict.
    pub new: Verdict,
}

/// Evaluates recorded orders under two policies. Each decides together with the ledger, which
/// enforces the exposure limit that the policy names. An order whose notional is out of range under
/// either counts as blocked there with `policy_error`; sums saturate at the largest notional.
pub fn diff(
    old: &dyn Policy,
    new: &dyn Policy,
    orders: impl IntoIterator<Item = RecordedInput>,
) -> DiffReport {
    let mut report = DiffReport::default();
    for order in orders {
        report.orders = report.orders.saturating_add(1);
        let [before, after] = [old, new].map(|policy| {
            let blocked = || Verdict::blocked(crate::reason::POLICY_ERROR);
            order.decide(policy).unwrap_or_else(|_| blocked())
        });
        if before.allow == after.allow && before.reasons == after.reasons {
            continue;
        }
        let at_risk = |policy| order.notional(policy).unwrap_or_default();
        match (before.allow, after.allow) {
            (true, false) => add(&mut report.newly_blocked, at_risk(old)),
            (false, true) => add(&mut report.newly_allowed, at_risk(new)),
            _ => {}
        }
        report.changes.push(Change {
            client_id: order.client_id().to_owned(),
            client_order_id: order.client_order_id().to_owned(),
            notional: at_risk(new),
            old: before,
            new: after,
        });
    }
    report
}

fn add(sum: &mut Notional, notional: Notional) {
    *sum = sum.checked_add(notional).unwrap_or(*sum);
}
