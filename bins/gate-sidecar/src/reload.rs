//! Reloads the bundle, the keys and the certificates while orders flow. On an error everything
//! stays as it was.

mod load;
mod status;

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::{Result, bail};
use gate_api::{Code, Gate, Problem, SetupError};
use gate_policy::{BundleStamp, Policy};
use parking_lot::Mutex;

use crate::assemble;
use crate::config::Config;
use crate::tls::Tls;
use load::Loader;
pub(crate) use status::{Part, Status};

/// Replaced policies that are kept. Each worker thread caches its machines of the last few
/// policies; while the policies are kept here, no request pays for dropping one.
const RETIRED: usize = 3;

/// What started a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// An operator's signal or call.
    Asked,
    /// The bundle changed on disk.
    Changed,
}

/// Reloads policy, keys and certificates from where the settings say.
pub(crate) struct Reloader {
    config: Config,
    /// `None` without TLS.
    tls: Option<Arc<Tls>>,
    loader: Loader,
    /// Held during a reload: one at a time.
    retired: Mutex<VecDeque<Arc<dyn Policy>>>,
    status: Mutex<Status>,
}

/// The metadata of the bundle and its key on disk; an error for one that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Look(Vec<Result<BundleStamp, String>>);

impl Reloader {
    pub(crate) fn new(config: Config, tls: Option<Arc<Tls>>) -> Self {
        Self {
            config,
            tls,
            loader: Loader::default(),
            retired: Mutex::default(),
            status: Mutex::default(),
        }
    }

    /// Counts and last errors of the reloads so far.
    pub(crate) fn status(&self) -> Status {
        self.status.lock().clone()
    }

    /// Reads the metadata of the bundle and of its key.
    pub(crate) fn look(&self) -> Look {
        let paths = [&self.config.bundle, &self.config.bundle_key];
        let stamps = paths
            .into_iter()
            .flatten()
            .map(|path| BundleStamp::of(path).map_err(|error| error.to_string()));
        Look(stamps.collect())
    }

    /// Reloads the bundle and, if an operator asked, keys and certificates; puts nothing in force
    /// unless all are valid. Waits for a reload in progress. An error is [`Code::ReloadRefused`], or
    /// the journal's where it took no record of the change.
    pub(crate) fn reload(&self, gate: &Gate, trigger: Trigger) -> Result<Vec<u8>, Problem> {
        let mut retired = self.retired.lock();
        let outcome = self.try_reload(gate, trigger, &mut retired);
        let is_asked = trigger == Trigger::Asked;
        // A repeated error was logged before; an operator who asked is told anyway.
        let (news, refused) = match &outcome {
            Ok(_) => (self.status.lock().accepted(is_asked), None),
            Err((part, error)) => {
                let reason = format!("{error:#}");
                let news = self.status.lock().refused(*part, &reason);
                (news || is_asked, Some((reason, error)))
            }
        };
        let (policy, keys) = (gate.policy(), gate.keys());
        let identity = policy.identity();
        let (revision, hash, kid) = (&identity.revision, identity.hash, keys.active().kid());
        match &refused {
            None if matches!(outcome, Ok(true)) => {
                tracing::info!(revision, sha256 = %hash, kid, "reloaded");
            }
            None if news => {
                tracing::info!(revision, sha256 = %hash, kid, "the bundle is the one in force");
            }
            Some((reason, _)) if news => {
                tracing::error!(reason, "reload refused; what was in force stays in force");
            }
            _ => {}
        }
        match refused {
            None => Ok(gate.policy_view()),
            Some((reason, error)) => Err(match error.downcast_ref() {
                // Nothing is wrong with what was to be put in force: trying again may help.
                Some(SetupError::NotRecorded(error)) => (*error).into(),
                _ => Problem::new(Code::ReloadRefused, reason),
            }),
        }
    }

    /// Whether anything was put in force; or which part was refused, and why.
    fn try_reload(
        &self,
        gate: &Gate,
        trigger: Trigger,
        retired: &mut VecDeque<Arc<dyn Policy>>,
    ) -> Result<bool, (Part, anyhow::Error)> {
        let old = gate.policy();
        let policy = self.read_bundle(&old);
        let policy = policy.map_err(|error| (Part::Bundle, error))?;
        let is_same = Arc::ptr_eq(&policy, &old);
        if is_same && trigger == Trigger::Changed {
            return Ok(false);
        }
        // A changed bundle is put in force alone: only the journal can refuse it here, and that
        // error is over once a bundle is in force.
        let part = match trigger {
            Trigger::Asked => Part::Rest,
            Trigger::Changed => Part::Bundle,
        };
        self.put_in_force(gate, policy, trigger)
            .map_err(|error| (part, error))?;
        if !is_same {
            retired.push_front(old);
            retired.truncate(RETIRED);
        }
        Ok(true)
    }

    fn read_bundle(&self, in_force: &Arc<dyn Policy>) -> Result<Arc<dyn Policy>> {
        let before = self.look();
        let policy = self.loader.load(&self.config, in_force)?;
        if self.look() != before {
            bail!("the bundle was changed while it was read");
        }
        Ok(policy)
    }

    fn put_in_force(&self, gate: &Gate, policy: Arc<dyn Policy>, trigger: Trigger) -> Result<()> {
        // A changed bundle must not activate new keys: verifiers may not have them yet. Nor must
        // key or certificate files that are being replaced keep a policy from coming into force.
        let is_asked = trigger == Trigger::Asked;
        let keys = if is_asked {
            assemble::keys(&self.config)?
        } else {
            gate.keys()
        };
        let tls = self.tls.as_ref().filter(|_| is_asked);
        let renewal = tls.map(|tls| tls.read_again()).transpose()?;
        gate.change(policy, keys)?;
        if let (Some(tls), Some(renewal)) = (tls, renewal) {
            tls.renew(renewal);
            tls.warn_of_the_end();
        }
        Ok(())
    }
}
