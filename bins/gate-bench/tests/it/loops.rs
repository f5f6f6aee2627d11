//! What each loop measures and counts.

use std::io::Write;
use std::time::Duration;

use gate_bench::{
    Arrivals, Expect, Mode, Rate, Report, Run, RunConfig, Scheduling, Stop, Target, look, run,
};

use crate::server::{respond, serve};

pub(crate) const AUTHORIZED: &str =
    r#"{"trace_id":"t","status":"AUTHORIZED","timing_ms":{"parse":0.001,"total":0.01}}"#;
pub(crate) const BLOCKED: &str = r#"{"trace_id":"t","status":"BLOCKED"}"#;

pub(crate) fn config(
    mode: Mode,
    script: impl Fn(u64, &str, &mut dyn Write) -> bool + Send + Sync + 'static,
) -> RunConfig {
    let addr = serve(Box::new(script));
    let target = Target::from_url(&format!("http://{addr}")).unwrap();
    RunConfig {
        connections: 4,
        threads: 2,
        warmup: Duration::ZERO,
        timeout: Duration::from_secs(30),
        ..RunConfig::new(target, mode)
    }
}

pub(crate) fn requests(count: u64) -> Mode {
    Mode::Closed(Stop::Requests(count))
}

pub(crate) fn rate(per_s: f64, duration_ms: u64) -> Mode {
    Mode::Open(Rate {
        per_s,
        arrivals: Arrivals::Constant,
        duration: Duration::from_millis(duration_ms),
    })
}

pub(crate) fn report(run: &Run) -> Report {
    let (tokens, segments) = look(run, None, None);
    Report::new(run, tokens, &segments)
}

/// How many of the recorded values are at least this long.
fn at_least(histogram: &hdrhistogram::Histogram<u64>, ms: u64) -> u64 {
    histogram.len() - histogram.count_between(0, ms * 1_000_000)
}

#[test]
fn a_closed_loop_sends_exactly_what_was_asked_for() {
    let config = config(requests(1000), |_, _, out| respond(out, 200, AUTHORIZED));
    let counts = run(&config).unwrap().recorder.counts;
    assert_eq!(
        (counts.sent, counts.completed, counts.authorized),
        (1000, 1000, 1000)
    );
    assert_eq!((counts.errors(), counts.unexpected), (0, 0));
}

#[test]
fn an_open_loop_sends_the_whole_schedule() {
    let config = config(rate(1000.0, 500), |_, _, out| respond(out, 200, AUTHORIZED));
    let finished = run(&config).unwrap();
    assert_eq!(finished.recorder.counts.authorized, 500);
    assert_eq!(finished.recorder.send_lag.len(), 500);
    assert_eq!(finished.recorder.wake_lag.len(), 500);
}

#[test]
fn every_outcome_is_counted_apart() {
    let config = config(requests(600), |number, _, out| match number % 6 {
        0 => respond(out, 200, BLOCKED),
        1 => respond(out, 503, "{}"),
        2 => respond(out, 409, "{}"),
        3 => respond(out, 200, "{}"),
        _ => respond(out, 200, AUTHORIZED),
    });
    let finished = run(&config).unwrap();
    let counts = &finished.recorder.counts;
    assert_eq!(counts.completed, 600);
    assert_eq!(
        (counts.authorized, counts.blocked, counts.unreadable),
        (200, 100, 100)
    );
    assert_eq!(counts.by_status.get(&503), Some(&100));
    assert_eq!(counts.by_status.get(&409), Some(&100));
    // The workload is made to be authorized, so the blocked ones are not what was expected.
    assert_eq!(counts.unexpected, 100 + 100);
    assert_eq!(counts.errors(), 300);
    assert_eq!(counts.no_retry_after, 100);
    // Refused requests are quick to answer: they stay out of the response times.
    assert_eq!(finished.recorder.response.len(), 300);
    assert_eq!(finished.recorder.refused.len(), 300);
    assert_eq!(finished.recorder.refused_service.len(), 300);
}

#[test]
fn a_connection_that_the_server_closes_is_counted_and_opened_again() {
    let config = config(requests(100), |number, _, out| {
        number % 10 != 3 && respond(out, 200, AUTHORIZED)
    });
    let counts = run(&config).unwrap().recorder.counts;
    assert_eq!(counts.sent, 100);
    assert_eq!(counts.connection_errors, 10);
    assert_eq!(counts.authorized, 90);
}

#[test]
fn what_is_not_http_is_counted() {
    let config = config(requests(50), |number, _, out| {
        if number == 7 {
            return out.write_all(b"nonsense, nonsense\r\n\r\n").is_ok();
        }
        respond(out, 200, AUTHORIZED)
    });
    let counts = run(&config).unwrap().recorder.counts;
    assert_eq!((counts.malformed, counts.authorized), (1, 49));
}

#[test]
fn a_request_without_an_answer_times_out_and_the_wait_counts() {
    let mut config = config(requests(50), |number, _, out| {
        number == 7 || respond(out, 200, AUTHORIZED)
    });
    config.timeout = Duration::from_millis(300);
    let finished = run(&config).unwrap();
    assert_eq!(finished.recorder.counts.timeouts, 1);
    assert_eq!(finished.recorder.counts.authorized, 49);
    assert!(at_least(&finished.recorder.response, 300) >= 1);
}

#[test]
fn a_server_that_never_answers_ends_the_run() {
    let mut config = config(rate(100.0, 100), |_, _, _| true);
    config.timeout = Duration::from_millis(200);
    let finished = run(&config).unwrap();
    let counts = &finished.recorder.counts;
    assert_eq!(counts.completed, 0);
    assert_eq!(counts.timeouts + counts.unsent, 10);
    assert!(!report(&finished).valid);
}

#[test]
fn a_server_that_is_not_there_is_an_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let target = Target::from_url(&format!("http://{addr}")).unwrap();
    assert!(run(&RunConfig::new(target, requests(1))).is_err());
}

#[test]
fn a_stall_shows_in_the_response_times() {
    // 1,000 a second; after 300 requests the server does nothing for 200 ms. About 200 requests
    // fall due meanwhile and wait up to as long; but only the 4 in flight see the server stall.
    let stall = Duration::from_millis(200);
    let config = config(rate(1000.0, 1000), move |number, _, out| {
        if number == 300 {
            std::thread::sleep(stall);
        }
        respond(out, 200, AUTHORIZED)
    });
    let finished = run(&config).unwrap();
    let recorder = &finished.recorder;
    assert_eq!(recorder.counts.authorized, 1000);
    // Half of those that fell due waited for at least half the stall: that is p90 of 1,000.
    assert!(at_least(&recorder.response, 100) >= 95);
    assert!(at_least(&recorder.response, 195) >= 1);
    assert!(report(&finished).response_time_ms.p95 >= 100.0);
    // A generator that measures from the sending would have hidden it.
    assert!(at_least(&recorder.service, 100) * 4 <= at_least(&recorder.response, 100));
    assert!(at_least(&recorder.send_lag, 100) >= 90);
}

#[test]
fn a_refusal_is_timed_from_its_intended_start_and_from_its_sending() {
    // The same stall, and every request refused.
    let config = config(rate(1000.0, 1000), |number, _, out| {
        if number == 300 {
            std::thread::sleep(Duration::from_millis(200));
        }
        respond(out, 503, "")
    });
    let recorder = run(&config).unwrap().recorder;
    assert_eq!(recorder.refused.len(), 1000);
    assert_eq!(recorder.refused_service.len(), 1000);
    assert!(at_least(&recorder.refused, 100) >= 95);
    assert!(at_least(&recorder.refused_service, 195) >= 1);
    assert!(at_least(&recorder.refused_service, 100) * 4 <= at_least(&recorder.refused, 100));
}

#[test]
fn warm_up_is_left_out() {
    let mut config = config(rate(1000.0, 200), |_, _, out| respond(out, 200, AUTHORIZED));
    config.warmup = Duration::from_millis(300);
    let counts = run(&config).unwrap().recorder.counts;
    assert_eq!(
        (counts.warmup, counts.sent, counts.completed),
        (300, 200, 200)
    );
}

#[test]
fn a_plain_server_needs_no_verdict() {
    let mut config = config(requests(10), |_, _, out| respond(out, 200, "hello"));
    config.expect = Expect::Plain;
    let counts = run(&config).unwrap().recorder.counts;
    assert_eq!(
        (counts.done, counts.errors(), counts.unexpected),
        (10, 0, 0)
    );
}

#[test]
fn releases_fills_and_replays_name_orders_that_were_authorized() {
    let placed = std::sync::Mutex::new(std::collections::BTreeSet::new());
    let mut config = config(requests(2000), move |_, body, out| {
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let order = body
            .get("order")
            .and_then(|order| order["client_order_id"].as_str());
        match order {
            Some(order) => {
                placed.lock().unwrap().insert(order.to_owned());
                respond(out, 200, AUTHORIZED)
            }
            None => {
                let known = body["client_order_id"].as_str().unwrap();
                let known = placed.lock().unwrap().contains(known);
                respond(out, if known { 200 } else { 404 }, "{}")
            }
        }
    });
    config.workload.mix = "release=30,fill=10,replay=5".parse().unwrap();
    let counts = run(&config).unwrap().recorder.counts;
    assert_eq!((counts.completed, counts.errors()), (2000, 0));
    assert!(counts.by_kind["release"] > 400, "{:?}", counts.by_kind);
}

#[test]
fn segments_come_from_sampled_responses() {
    let mut config = config(requests(100), |_, _, out| respond(out, 200, AUTHORIZED));
    config.sample_every = 10;
    let report = report(&run(&config).unwrap());
    assert!(report.tokens.sampled >= 8 && !report.tokens.checked);
    assert_eq!(report.segments_ms["total"].count, report.tokens.sampled);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["schema"], "gate-bench-v1");
    assert!(json["response_time_ms"]["p99.9"].is_number());
}

#[test]
fn the_histogram_log_holds_every_response() {
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    let config = config(requests(200), |_, _, out| respond(out, 200, AUTHORIZED));
    let mut log = Vec::new();
    gate_bench::write_hdr_log(&run(&config).unwrap(), &mut log).unwrap();
    let mut responses = 0;
    for entry in IntervalLogIterator::new(&log) {
        if let LogEntry::Interval(interval) = entry.unwrap() {
            // As all of them begin that readers of such logs take: compressed.
            assert!(interval.encoded_histogram().starts_with("HISTFAAA"));
            let encoded = base64::Engine::decode(
                &base64::engine::general_purpose::STANDARD,
                interval.encoded_histogram(),
            );
            let histogram: hdrhistogram::Histogram<u64> = Deserializer::new()
                .deserialize(&mut &*encoded.unwrap())
                .unwrap();
            responses += histogram.len();
        }
    }
    assert_eq!(responses, 200);
}

#[test]
#[cfg(target_os = "linux")]
fn a_closed_loop_leaves_the_cores_to_the_server_and_an_open_one_keeps_to_its_times() {
    let scheduling = |mode, asked: Option<Scheduling>| {
        let mut config = config(mode, |_, _, out| respond(out, 200, AUTHORIZED));
        config.scheduling = asked.unwrap_or(config.scheduling);
        report(&run(&config).unwrap()).config.scheduling
    };
    assert_eq!(scheduling(requests(5), None), "batch");
    assert_eq!(scheduling(rate(100.0, 50), None), "normal");
    assert_eq!(scheduling(requests(5), Some(Scheduling::Normal)), "normal");
    assert_eq!(
        scheduling(rate(100.0, 50), Some(Scheduling::Batch)),
        "batch"
    );
}
