//! Runs whose figures must not be used say so, and what they left out.

use std::io::BufReader;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use gate_bench::{Mode, Report, RunConfig, Stop, Target, look, run};

use crate::loops::{AUTHORIZED, BLOCKED, config, rate, report, requests};
use crate::server::{read_request, respond};

/// A rate at which everything is refused is no result, however quick.
#[test]
fn a_run_without_a_success_that_it_is_made_for_or_with_a_token_that_fails_is_not_valid() {
    let refusing = config(requests(10), |_, _, out| respond(out, 400, "{}"));
    let refused = report(&run(&refusing).unwrap());
    assert!(!refused.valid);
    assert_eq!(
        refused.invalid_reasons,
        ["not one response of 10 was a success: status 400"]
    );
    let blocking = config(requests(10), |_, _, out| respond(out, 200, BLOCKED));
    let blocked = report(&run(&blocking).unwrap());
    assert_eq!(
        blocked.invalid_reasons,
        ["not one of 10 responses to `authorize` had the verdict that this load is made for"]
    );
    let mut authorizing = config(requests(10), |number, _, out| {
        respond(out, 200, if number == 0 { AUTHORIZED } else { BLOCKED })
    });
    authorizing.sample_every = 1;
    let authorized = run(&authorizing).unwrap();
    assert!(report(&authorized).valid);
    // None of the answers has a token at all.
    let keys = gate_token::KeyRing::generate("k1").unwrap();
    let (tokens, segments) = look(&authorized, Some(&keys), None);
    let unverified = Report::new(&authorized, tokens, &segments);
    assert_eq!(unverified.tokens.verified, 0);
    assert!(!unverified.valid, "{:?}", unverified.tokens);
}

/// A gate that lets everything pass.
#[test]
fn a_run_in_which_one_kind_of_request_never_has_its_verdict_is_not_valid() {
    let mut config = config(requests(200), |_, _, out| respond(out, 200, AUTHORIZED));
    config.workload.mix = "blocked=50".parse().unwrap();
    let report = report(&run(&config).unwrap());
    assert_eq!(report.invalid_reasons.len(), 1, "{report:?}");
    assert!(report.invalid_reasons[0].contains("`blocked`"));
}

#[test]
fn a_run_without_a_sample_though_keys_were_given_is_not_valid() {
    let mut config = config(requests(20), |_, _, out| respond(out, 200, AUTHORIZED));
    config.sample_every = 0;
    let finished = run(&config).unwrap();
    let keys = gate_token::KeyRing::generate("k1").unwrap();
    let (tokens, segments) = look(&finished, Some(&keys), None);
    assert!(!Report::new(&finished, tokens, &segments).valid);
}

/// Of half of the requests nothing is known but that they failed.
#[test]
fn a_run_that_lost_its_connections_is_not_valid_and_says_how_many_it_opened_again() {
    let config = config(requests(100), |number, _, out| {
        number % 2 == 0 && respond(out, 200, AUTHORIZED)
    });
    let report = report(&run(&config).unwrap());
    assert!(!report.valid);
    // All fifty, but for those that were lost last.
    let reconnects = report.counts.reconnects;
    assert!((46..=50).contains(&reconnects), "{reconnects}");
}

/// Serves a connection for `serving`, is gone for `away`, and comes back.
fn restarting(serving: Duration, away: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let began = Instant::now();
        answer_until(&stream, &|| began.elapsed() > serving);
        // In this order: nobody connects to what is about to go.
        drop(listener);
        drop(stream);
        std::thread::sleep(away);
        let listener = TcpListener::bind(addr).unwrap();
        for stream in listener.incoming() {
            answer_until(&stream.unwrap(), &|| false);
        }
    });
    addr
}

fn answer_until(stream: &TcpStream, is_over: &dyn Fn() -> bool) {
    let mut reader = BufReader::new(stream);
    while !is_over() && read_request(&mut reader).is_some() {
        respond(&mut &*stream, 200, AUTHORIZED);
    }
}

fn one_connection(addr: SocketAddr, mode: Mode) -> RunConfig {
    let target = Target::from_url(&format!("http://{addr}")).unwrap();
    let mut config = RunConfig::new(target, mode);
    (config.connections, config.threads) = (1, 1);
    config.warmup = Duration::ZERO;
    config.timeout = Duration::from_secs(2);
    config
}

/// In a closed loop nothing waits for a server that is away, so that no time tells of it; in an open
/// one all does.
#[test]
fn an_outage_is_no_time_of_a_closed_loop_and_one_of_an_open_loop() {
    let away = Duration::from_millis(600);
    let server = || restarting(Duration::from_millis(300), away);
    let duration = Duration::from_millis(1500);
    let closed = one_connection(server(), Mode::Closed(Stop::After(duration)));
    let closed = report(&run(&closed).unwrap());
    assert!(!closed.valid);
    let reasons = closed.invalid_reasons.join("; ");
    assert!(reasons.contains("no connection to the server"), "{reasons}");
    // Twenty attempts a second at the most, and none of them is a request that was sent.
    assert!(closed.counts.connection_errors <= 1, "{:?}", closed.counts);
    assert!(closed.counts.reconnects <= 2, "{:?}", closed.counts);

    let open = one_connection(server(), rate(100.0, 1500));
    let open = report(&run(&open).unwrap());
    assert!(open.response_time_ms.max >= 550.0, "{open:?}");
    // 60 of 150 fell due meanwhile, and waited 300 ms in the mean.
    assert!(open.response_time_ms.p75 >= 150.0, "{open:?}");
    assert!(open.counts.connection_errors <= 1, "{:?}", open.counts);
}

/// A run over what an earlier run with the same ids had asked measures replays.
#[test]
fn replays_where_none_are_due_are_not_valid() {
    let replayed = r#"{"status":"AUTHORIZED","replayed":true}"#;
    let all = config(requests(20), move |_, _, out| respond(out, 200, replayed));
    let all = report(&run(&all).unwrap());
    assert_eq!((all.counts.replayed, all.counts.unexpected), (20, 20));
    assert!(!all.valid);
    let first = r#"{"status":"AUTHORIZED","replayed":false}"#;
    let mut none = config(requests(200), move |_, _, out| respond(out, 200, first));
    none.workload.mix = "replay=50".parse().unwrap();
    let none = report(&run(&none).unwrap());
    assert_eq!(none.counts.replayed, 0);
    assert_eq!(none.counts.unexpected, none.counts.by_kind["replay"]);
    assert!(!none.valid);
}

/// Where the last answer came late, what came in time would else be spread over all of the wait.
#[test]
fn throughput_is_of_the_time_that_was_asked_for() {
    let window = Mode::Closed(Stop::After(Duration::from_millis(400)));
    let mut config = config(window, |number, _, out| {
        if number == 40 {
            std::thread::sleep(Duration::from_millis(1200));
        }
        respond(out, 200, AUTHORIZED)
    });
    config.connections = 1;
    config.threads = 1;
    let finished = run(&config).unwrap();
    let report = report(&finished);
    // Forty answers and the late one, which is none of that time.
    assert_eq!(report.counts.completed, 41);
    assert!(
        (report.responses_per_s - 40.0 / 0.4).abs() < 1e-6,
        "{report:?}"
    );
    assert!(report.duration_s > 1.0 && report.window_s < 0.5);
}

/// A server that hangs hides behind its quick answers where only those are in the log.
#[test]
fn what_was_given_up_is_in_the_series_and_in_the_log() {
    let mut config = config(rate(200.0, 500), |number, _, out| {
        number >= 20 || respond(out, 200, AUTHORIZED)
    });
    config.timeout = Duration::from_millis(300);
    let finished = run(&config).unwrap();
    let recorder = &finished.recorder;
    let in_seconds: u64 = recorder.seconds.iter().map(|s| s.response.len()).sum();
    assert_eq!(recorder.response.len(), 100);
    assert_eq!(in_seconds, 100);
    let completed: u64 = report(&finished)
        .per_second
        .iter()
        .map(|s| s.completed)
        .sum();
    assert_eq!(completed, recorder.counts.completed);
    assert_eq!(completed, 20);
}

/// What was measured until then is reported.
#[test]
fn a_server_that_falls_silent_ends_the_run_and_not_its_report() {
    let mut config = config(requests(1000), |number, _, out| {
        number >= 20 || respond(out, 200, AUTHORIZED)
    });
    config.timeout = Duration::from_millis(100);
    // So that nothing is asked anew for longer than it is waited.
    config.connections = 2;
    let report = report(&run(&config).unwrap());
    assert_eq!(report.counts.completed, 20);
    assert!(
        report.invalid_reasons[0].contains("nothing was heard"),
        "{report:?}"
    );
}

#[test]
fn a_pause_in_a_slow_schedule_is_no_silence() {
    let mut config = config(rate(2.0, 1500), |_, _, out| {
        std::thread::sleep(Duration::from_millis(20));
        respond(out, 200, AUTHORIZED)
    });
    config.timeout = Duration::from_millis(100);
    let report = report(&run(&config).unwrap());
    assert_eq!(report.counts.authorized, 3);
    // On a busy machine the generator may fall behind, which is another matter.
    let reasons = &report.invalid_reasons;
    let is_silence = |reason: &String| reason.contains("nothing was heard");
    assert!(!reasons.iter().any(is_silence), "{reasons:?}");
}

#[test]
fn a_unix_socket_that_nobody_takes_connections_of_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut config = RunConfig::new(Target::Unix(path), requests(1));
    // More than the system keeps waiting for one socket.
    config.connections = 5_000;
    config.threads = 1;
    assert!(run(&config).is_err());
    drop(socket);
}
