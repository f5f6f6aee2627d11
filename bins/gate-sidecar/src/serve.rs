//! `serve`: builds the gate, binds the listeners, runs until a signal, and drains without losing an
//! accepted order.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use anyhow::{Context as _, Result};
use gate_state::Journal;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::assemble;
use crate::cli::Serve;
use crate::clock::SystemClock;
use crate::commands::say;
use crate::config::{self, Config};
use crate::http::{
    Admission, CommitHub, Connections, Front, QUERY_THREADS, Queries, Shared, Worker, admin, public,
};
use crate::log;
use crate::metrics::Metrics;
use crate::reload::{Reloader, Trigger};
use crate::schedule::{self, WakeLatency};
use crate::sockets::{self, ADMIN_CONNECTIONS};
use crate::tls::{HANDSHAKE_TIMEOUT, Tls};
use crate::upkeep::Upkeep;
use crate::watch::Watch;

/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a request's head may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a drain goes on answering, with `Connection: close`, before idle connections are
/// closed.
const LAME_DUCK: Duration = Duration::from_millis(500);

/// Runs the sidecar until it is told to stop.
pub(crate) fn run(args: &Serve) -> Result<ExitCode> {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let settings = &args.settings;
    let (file, variables) = (settings.config.as_deref(), config::variables()?);
    let mut config = config::load(file, variables, settings.given(), cores)?;
    if args.check {
        return check(&config);
    }
    log::start(&config);
    config.max_connections = sockets::room_for(config.max_connections, config.workers);
    // Before any other thread starts: threads inherit it.
    schedule::ask_for_time_slice(config.time_slice_us);
    let runtime = actix_web::rt::System::new();
    // A reload that is asked for during a start comes after it. Without a handler it would end it.
    let hangup = runtime.block_on(async { signal(SignalKind::hangup()) })?;
    let clock = SystemClock::shared();
    let started = clock.now();
    let tls = Tls::of(&config)?.map(Arc::new);
    let gate = Arc::new(assemble::gate(&config, Arc::clone(&clock))?);
    let commits = Arc::new(CommitHub::default());
    gate.ledger().subscribe(Arc::clone(&commits) as _);
    let shared = Arc::new(Shared {
        gate,
        metrics: Arc::new(Metrics::default()),
        commits,
        admission: Admission::new(config.max_in_flight, config.workers),
        queries: Queries::new(config.max_queries),
        connections: Connections::default(),
        reloader: Reloader::new(config.clone(), tls.clone()),
        wake_latency: config.wake_latency_us.and_then(ask_for_wake_latency),
        tls,
        started,
        draining: false.into(),
        config,
    });
    let (gate, metrics) = (Arc::clone(&shared.gate), Arc::clone(&shared.metrics));
    let config = &shared.config;
    let upkeep = Upkeep::start(gate, metrics, clock, config.retention_days)
        .context("cannot start a thread")?;
    // The embedded sample never changes.
    let watched = config.bundle_watch_s > 0 && config.bundle.is_some();
    let watch = watched.then(|| {
        let period = Duration::from_secs(config.bundle_watch_s);
        Watch::start(Arc::clone(&shared), period)
    });
    let watch = watch.transpose().context("cannot start a thread")?;
    let served = runtime.block_on(serve(config, Arc::clone(&shared), hangup));
    drop(watch);
    // Before upkeep stops: closing the ledger aborts a snapshot in progress, which `stop` would
    // wait for.
    let closed = shared.gate.ledger().shutdown();
    upkeep.stop();
    closed.context("the journal could not be closed")?;
    served?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Checks that a start would get as far as its listeners. Creates and changes nothing, so a sidecar
/// may be serving from the same directory.
fn check(config: &Config) -> Result<ExitCode> {
    Tls::of(config)?;
    let policy = assemble::policy(config)?;
    let shown = || format!("the journal in `{}`", config.data_dir.display());
    let mut is_first_start = true;
    if Journal::is_there(&config.data_dir).with_context(shown)? {
        let journal = Journal::open(&config.data_dir).with_context(shown)?;
        journal.check_beginning().with_context(shown)?;
        is_first_start = journal.is_blank().with_context(shown)?;
    }
    let kid = match is_first_start && assemble::may_make_keys(config) {
        true => "none yet: the first start makes it".to_owned(),
        false => assemble::keys(config)?.active().kid().to_owned(),
    };
    let identity = policy.identity();
    say(&format!(
        "fit: policy `{}` ({}), key `{kid}`",
        identity.revision, identity.hash
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Requests the wake-up time. A refusal is only logged: orders then merely take longer.
fn ask_for_wake_latency(micros: u64) -> Option<WakeLatency> {
    WakeLatency::ask(micros)
        .inspect_err(|error| {
            tracing::warn!(%error, "wake_latency_us is not in force");
        })
        .ok()
}

async fn serve(config: &Config, shared: Arc<Shared>, hangup: Signal) -> Result<()> {
    // Before the sidecar announces itself, so that from then on it drains. A start may be ended.
    let signals = Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
        hangup,
    };
    let (public, public_places) = public_server(config, &shared)?;
    let (admin, admin_places) = admin_server(config, &shared)?;
    // Only once all are bound: whoever reads the first line takes the sidecar for started.
    let mut stdout = std::io::stdout().lock();
    for place in public_places.into_iter().chain(admin_places) {
        writeln!(stdout, "{place}").context("stdout is closed")?;
    }
    stdout.flush().context("stdout is closed")?;
    drop(stdout);
    let policy = shared.gate.policy();
    let (revision, hash) = (&policy.identity().revision, policy.identity().hash);
    let durability = format!("{:?}", config.durability).to_lowercase();
    let (keys, journal) = (shared.gate.keys(), shared.gate.ledger().health());
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        data_dir = %config.data_dir.display(),
        records = journal.durable_seq.get(),
        orders = journal.remembered,
        revision,
        sha256 = %hash,
        kid = keys.active().kid(),
        durability,
        "serving"
    );
    if config.bundle.is_none() {
        tracing::warn!(
            "no `bundle` is set: the embedded sample decides, which knows a dozen instruments and gives every client a limit"
        );
    }
    if config.token_ttl_s > config.dedupe_window_s {
        tracing::warn!(
            token_ttl_s = config.token_ttl_s,
            dedupe_window_s = config.dedupe_window_s,
            "an order id may be forgotten, and decided again, while its token is good"
        );
    }
    if let Err(refused) = shared.gate.check_ready() {
        tracing::warn!(reason = refused.detail(), "not ready");
    }
    if let Some(tls) = &shared.tls {
        tls.warn_of_the_end();
    }
    if !config.admin_listen.ip().is_loopback() {
        tracing::warn!(address = %config.admin_listen, "operators' calls, the kill switch among them, are open to whoever reaches this address");
    }

    let handles = [public.handle(), admin.handle()];
    let signals = actix_web::rt::spawn(watch_signals(signals, Arc::clone(&shared), handles));
    let (public, admin) = futures_util::future::join(public, admin).await;
    signals.abort();
    public.context("the public listener failed")?;
    admin.context("the admin listener failed")
}

/// Binds the public listeners. Returns the server, and the lines that announce its addresses.
fn public_server(config: &Config, shared: &Arc<Shared>) -> Result<(Server, Vec<String>)> {
    let for_workers = Arc::clone(shared);
    let on_worker = move || {
        let shared = Arc::clone(&for_workers);
        let worker = Data::new(Worker::start(&shared));
        let routes = public::routes(Arc::clone(&shared), Data::clone(&worker));
        Front::new(shared, worker, App::new().configure(routes))
    };
    let connections = shared.connections.clone();
    let mut server = HttpServer::new(on_worker)
        .on_connect(move |_, connection| {
            connection.insert(connections.enter());
        })
        .disable_signals()
        .shutdown_timeout(config.drain_timeout_s)
        .workers(config.workers)
        .worker_max_blocking_threads(QUERY_THREADS)
        .max_connections(config.max_connections)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_TIMEOUT)
        // Nagle is off: a reply is one small write.
        .tcp_nodelay(true)
        .tls_handshake_timeout(HANDSHAKE_TIMEOUT)
        // TLS handshakes get no limit of their own: a worker at that limit would accept nothing on
        // the Unix socket either. An unfinished handshake counts as a connection.
        .max_connection_rate(config.max_connections);
    let cannot = || format!("cannot listen on {}", config.listen);
    let listener = sockets::listener(config.listen).with_context(cannot)?;
    let bound = match &shared.tls {
        None => server.listen(listener),
        Some(tls) => server.listen_rustls_0_23(listener, tls.server()?),
    };
    server = bound.with_context(cannot)?;
    let place = |(address, scheme): (_, &str)| format!("listening on {scheme}://{address}");
    let mut places: Vec<String> = server.addrs_with_scheme().into_iter().map(place).collect();
    if let Some(path) = &config.uds {
        sockets::remove_stale(path)?;
        server = server
            .bind_uds(path)
            .with_context(|| format!("cannot listen on `{}`", path.display()))?;
        places.push(format!("listening on unix:{}", path.display()));
    }
    Ok((server.run(), places))
}

fn admin_server(config: &Config, shared: &Arc<Shared>) -> Result<(Server, Vec<String>)> {
    let for_workers = Arc::clone(shared);
    let server =
        HttpServer::new(move || App::new().configure(admin::routes(Arc::clone(&for_workers))))
            .disable_signals()
            .workers(1)
            .max_connections(ADMIN_CONNECTIONS)
            .bind(config.admin_listen)
            .with_context(|| format!("cannot listen on {}", config.admin_listen))?;
    let place = |address| format!("admin listening on http://{address}");
    let places = server.addrs().into_iter().map(place).collect();
    Ok((server.run(), places))
}

/// The signals that are handled.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// Stops on SIGTERM and SIGINT, reloads on SIGHUP.
async fn watch_signals(mut signals: Signals, shared: Arc<Shared>, handles: [ServerHandle; 2]) {
    let mut reload = None;
    loop {
        let is_reloading = reload.is_some();
        let reloaded = async {
            match &mut reload {
                Some(reload) => _ = reload.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = signals.terminate.recv() => break,
            _ = signals.interrupt.recv() => break,
            () = reloaded => reload = None,
            _ = signals.hangup.recv(), if !is_reloading => {
                reload = start_reload(Arc::clone(&shared));
            }
        }
    }
    tracing::info!("draining");
    shared.draining.store(true, Ordering::SeqCst);
    // A keep-alive connection learns of the drain from its next answer and closes itself. Closing
    // it here could race with an order already on its way.
    tokio::time::sleep(LAME_DUCK).await;
    // Orders first: `/ready` answers 503 on the admin listener until the last one is answered.
    let [public, admin] = handles;
    public.stop(true).await;
    admin.stop(false).await;
}

/// Reloads on a thread that no drain waits for. The reload logs its own outcome; the receiver
/// resolves when it is done.
fn start_reload(shared: Arc<Shared>) -> Option<oneshot::Receiver<()>> {
    let (done, reloaded) = oneshot::channel();
    let reload = move || {
        let _ = shared.reloader.reload(&shared.gate, Trigger::Asked);
        drop(done);
    };
    let thread = std::thread::Builder::new().name("gate-reload".to_owned());
    match thread.spawn(reload) {
        Ok(_) => Some(reloaded),
        Err(error) => {
            tracing::error!(%error, "no reload: cannot start a thread");
            None
        }
    }
}
