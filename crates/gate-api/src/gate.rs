//! [`Gate`]: the pipeline from an order's bytes to a signed reply, and nothing else of it anywhere.
//! No sockets, no waiting threads, no configuration here.

use std::fmt;
use std::sync::Arc;
use std::task::Poll;

use arc_swap::ArcSwap;
use gate_policy::{Policy, PolicyInput, Verdict};
use gate_state::{
    DecideError, Decided, Decision, Exposure, Judgement, Ledger, NewOrder, Seq, WaitFor,
};
use gate_token::{Digest, KeyRing};
use gate_types::{Clock, Notional, Timestamp};
use parking_lot::Mutex;

use crate::active::{Active, SetupError};
use crate::answer::{Answer, Signed, TokenForm};
use crate::pending::{Arrival, Outcome, Pending};
use crate::problem::{Code, Problem};
use crate::request::{AuthorizeRequest, MAX_BODY_BYTES, order_digest};
use crate::timing::{Stopwatch, Timing};

/// What a [`Gate`] writes into every token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `iss`: this sidecar.
    pub issuer: String,
    /// `aud`: who should accept the token.
    pub audience: String,
    /// Seconds from `iat` to `exp`.
    pub token_ttl_s: u64,
}

/// The decision pipeline over one ledger, one policy in force and one key ring.
pub struct Gate {
    pub(crate) ledger: Ledger,
    pub(crate) clock: Arc<dyn Clock>,
    settings: Settings,
    active: ArcSwap<Active>,
    /// Held while `active` is replaced, so that two changes cannot lose one another.
    changing: Mutex<()>,
}

impl Gate {
    /// A gate that decides by `policy`, signs with the active key of `keys` and keeps its
    /// exposure in `ledger`.
    ///
    /// A key that is not valid now is taken; orders are refused meanwhile ([`Gate::check_ready`]).
    ///
    /// # Errors
    /// [`SetupError`] if the journal does not take the record that names policy and key.
    pub fn new(
        ledger: Ledger,
        policy: Arc<dyn Policy>,
        keys: Arc<KeyRing>,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let context = ledger.set_context(Active::record(&*policy, &keys, &settings))?;
        let active = Active::new(policy, keys, context, clock.now());
        let active = ArcSwap::from_pointee(active);
        Ok(Self {
            ledger,
            clock,
            settings,
            active,
            changing: Mutex::new(()),
        })
    }

    /// Decides one order: from the body of `POST /v1/authorize` to a signed answer that waits for
    /// its commit.
    ///
    /// # Errors
    /// A [`Problem`]; nothing is held then.
    pub fn authorize(&self, body: &[u8], form: TokenForm) -> Result<Pending, Problem> {
        self.authorize_arrived(body, form, self.arrival())
    }

    /// Marks the arrival of a request, for [`Gate::authorize_arrived`].
    #[must_use]
    pub fn arrival(&self) -> Arrival {
        Arrival {
            at_ns: self.clock.monotonic_ns(),
        }
    }

    /// Like [`Gate::authorize`], for a request that has waited since it arrived.
    ///
    /// # Errors
    /// Those of [`Gate::authorize`].
    pub fn authorize_arrived(
        &self,
        body: &[u8],
        form: TokenForm,
        arrival: Arrival,
    ) -> Result<Pending, Problem> {
        let mut watch = Stopwatch::start(&*self.clock, arrival.at_ns);
        if body.len() > MAX_BODY_BYTES {
            return Err(Problem::body_too_large());
        }
        let request = AuthorizeRequest::parse(body)?;
        let digest = order_digest(&request)?;
        let mut timing = Timing {
            parse_ns: watch.lap_ns(),
            ..Timing::default()
        };

        let (active, order, decided) = loop {
            let active = self.active.load();
            let order = self.new_order(&request, &digest, &active)?;
            active.check_key(order.now)?;
            let decided = self.ledger.decide(&order, |exposure| {
                let started_ns = self.clock.monotonic_ns();
                let verdict = active
                    .policy
                    .evaluate(&policy_input(&request, &order, exposure));
                timing.policy_ns = self.clock.monotonic_ns().saturating_sub(started_ns);
                judgement(verdict)
            });
            match decided {
                // Another policy or key came into force meanwhile: decide again under it. (If not, the
                // ledger's context was set by somebody else.)
                Err(DecideError::ContextReplaced) if !self.is_active(&active) => {}
                decided => break (active, order, decided?),
            }
        };
        timing.state_ns = watch.lap_ns().saturating_sub(timing.policy_ns);

        let (seq, answer) = match decided {
            Decided::New(decision) => {
                let seq = decision.seq;
                (
                    seq,
                    Some(self.sign(&order, &decision, digest, &active, form)),
                )
            }
            Decided::Replayed { seq } => (seq, None),
        };
        timing.sign_ns = watch.lap_ns();
        Ok(Pending {
            seq,
            form,
            timing,
            marks_ns: watch.marks(),
            answer,
        })
    }

    /// The reply to a decision that is durable.
    ///
    /// # Errors
    /// A 503 if it is not durable or, for a replay, the key is gone; a 500 if the journal cannot be
    /// read.
    pub fn complete(&self, pending: Pending) -> Result<(Vec<u8>, Outcome), Problem> {
        self.ensure_durable(pending.wait_for())?;
        let Pending {
            seq,
            form,
            mut timing,
            marks_ns: (started_ns, last_ns),
            answer,
        } = pending;
        let replayed = answer.is_none();
        let answer = match answer {
            Some(answer) => answer,
            None => self.replay(seq, form)?,
        };
        let now_ns = self.clock.monotonic_ns();
        timing.state_ns = timing
            .state_ns
            .saturating_add(now_ns.saturating_sub(last_ns));
        timing.total_ns = now_ns.saturating_sub(started_ns);
        let outcome = Outcome {
            authorized: answer.is_authorized(),
            replayed,
            fault: answer.fault(),
            timing,
        };
        Ok((answer.finish(&timing), outcome))
    }

    /// [`Gate::authorize`], the wait and [`Gate::complete`] in one call that blocks the thread.
    ///
    /// # Errors
    /// Those of both.
    pub fn authorize_blocking(&self, body: &[u8], form: TokenForm) -> Result<Vec<u8>, Problem> {
        let pending = self.authorize(body, form)?;
        self.ledger.wait(pending.wait_for())?;
        Ok(self.complete(pending)?.0)
    }

    /// Fails unless `what` is durable.
    pub(crate) fn ensure_durable(&self, what: WaitFor) -> Result<(), Problem> {
        match self.ledger.poll_durable(what) {
            Poll::Ready(known) => Ok(known?),
            Poll::Pending => {
                let detail = "its record is not durable yet";
                Err(Problem::new(Code::NotDurable, detail))
            }
        }
    }

    /// Checks whether a new order would be refused now, apart from the journal's state
    /// ([`Ledger::journal_state`]).
    ///
    /// # Errors
    /// The [`Problem`] that the order would get.
    pub fn check_ready(&self) -> Result<(), Problem> {
        self.active.load().check_key(self.clock.now())?;
        if self.ledger.is_full() {
            return Err(DecideError::MemoryFull.into());
        }
        Ok(())
    }

    /// The ledger, for waiting, monitoring and shutdown. Its context is [`Gate::change`]'s to set: once
    /// anybody else has, every new order is refused.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> Arc<dyn Policy> {
        Arc::clone(&self.active().policy)
    }

    /// The keys in force.
    #[must_use]
    pub fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.active().keys)
    }

    /// What this gate writes into every token.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Puts another policy and key ring in force. Decisions with a number before that of the
    /// change's record are made with the old ones, all after it with the new.
    ///
    /// # Errors
    /// [`SetupError`]; the old ones stay in force.
    pub fn change(&self, policy: Arc<dyn Policy>, keys: Arc<KeyRing>) -> Result<(), SetupError> {
        let _changing = self.changing.lock();
        let (now, key) = (self.clock.now(), keys.active());
        let is_new = !Arc::ptr_eq(&keys, &self.active.load().keys);
        if is_new && !key.valid_at(now.unix_seconds(), 0) {
            return Err(SetupError::KeyNotValid(key.kid().to_owned()));
        }
        if let Some(key) = self.active.load().keys.renamed(&keys) {
            return Err(SetupError::KeyRenamed(key.kid().to_owned()));
        }
        let record = Active::record(&*policy, &keys, &self.settings);
        self.ledger.change_context(record, |context| {
            let active = Active::new(policy, keys, context, now);
            self.active.store(Arc::new(active));
        })?;
        Ok(())
    }

    fn is_active(&self, active: &Arc<Active>) -> bool {
        Arc::ptr_eq(active, &self.active.load())
    }

    pub(crate) fn active(&self) -> Arc<Active> {
        self.active.load_full()
    }

    fn new_order<'a>(
        &self,
        request: &'a AuthorizeRequest<'a>,
        digest: &Digest,
        active: &Active,
    ) -> Result<NewOrder<'a>, Problem> {
        let order = &request.order;
        let size = active.policy.contract_size(order.symbol.as_str());
        let notional = Notional::of(order.qty, order.price, size).map_err(|error| {
            let what = format_args!("times `order.price` {error}");
            Problem::of_member(Code::InvalidMember, "order.qty", what)
        })?;
        let now = self.clock.now();
        let expires_s = now.unix_seconds().saturating_add(self.settings.token_ttl_s);
        // No token is good for longer than the key that verifies it.
        let ends_s = active.keys.active().not_after_s();
        let expires_s = ends_s.map_or(expires_s, |ends_s| expires_s.min(ends_s));
        Ok(NewOrder {
            client_id: &request.client_id,
            order_id: &order.client_order_id,
            symbol: &order.symbol,
            side: order.side,
            qty: order.qty,
            price: order.price,
            notional,
            digest: *digest.as_bytes(),
            trace_id: uuid::Uuid::new_v4().into_bytes(),
            now,
            expires: Timestamp::from_unix_seconds(expires_s),
            context: active.context,
        })
    }

    /// Signs a new decision, while the journal commits it.
    fn sign(
        &self,
        order: &NewOrder<'_>,
        decision: &Decision,
        digest: Digest,
        active: &Active,
        form: TokenForm,
    ) -> Answer {
        let signed = Signed {
            order,
            decision,
            digest,
            policy_revision: &active.policy.identity().revision,
            policy_hash: &active.policy_hash,
            settings: &self.settings,
        };
        signed.answer(active.keys.active(), form)
    }

    /// The answer to a decision again, from the journal; its token is the same, byte for byte.
    pub(crate) fn replay(&self, seq: Seq, form: TokenForm) -> Result<Answer, Problem> {
        let stored = self.ledger.decision(seq)?;
        let active = self.active();
        let key = active.keys.get(&stored.context.kid).ok_or_else(|| {
            let detail = "the order was decided under a key that is no longer in the key file";
            Problem::new(Code::KeyNotValid, detail)
        })?;
        Ok(Answer::of_stored(&stored, key, form))
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let active = self.active();
        f.debug_struct("Gate")
            .field("policy", active.policy.identity())
            .field("keys", &active.keys)
            .field("settings", &self.settings)
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}

fn policy_input<'a>(
    request: &'a AuthorizeRequest<'a>,
    order: &NewOrder<'a>,
    exposure: &Exposure,
) -> PolicyInput<'a> {
    PolicyInput {
        client_id: request.client_id.as_str(),
        client_order_id: request.order.client_order_id.as_str(),
        symbol: request.order.symbol.as_str(),
        side: request.order.side,
        qty: request.order.qty,
        price: request.order.price,
        order_extra: &request.order.extra,
        context_extra: &request.context_extra,
        notional: order.notional,
        exposure: *exposure,
        now: order.now,
    }
}

/// The policy crate has made anything short of an explicit allow a block.
fn judgement(verdict: Verdict) -> Judgement {
    Judgement {
        allow: verdict.allow,
        reasons: verdict.reasons,
        max_exposure: verdict.max_exposure,
    }
}
