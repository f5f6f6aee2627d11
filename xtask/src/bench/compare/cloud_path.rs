//! The results of the path that the sidecar replaces.

use serde::Serialize;

use super::contest::Runs;
use super::{latency, throughput};
use crate::bench::load::{Latency, Measured};
use crate::bench::stats::Rounds;

/// The cloud path in the same rounds: a closed loop, and an open loop at a rate that it can follow.
#[derive(Debug, Clone, Serialize)]
pub(in crate::bench) struct CloudPath {
    pub(in crate::bench) policy_server: &'static str,
    /// Of PostgreSQL's data: it can be another than the sidecar's.
    pub(in crate::bench) file_system: String,
    pub(in crate::bench) closed_requests_per_sec: Rounds,
    pub(in crate::bench) closed_p50_ms: Rounds,
    pub(in crate::bench) closed_p99_ms: Rounds,
    pub(in crate::bench) errors: u64,
    pub(in crate::bench) unexpected: u64,
    /// The invalid runs among those in the figures.
    pub(in crate::bench) invalid_runs: u32,
    /// Invalid runs that were run again, and are in no figure.
    pub(in crate::bench) repeated_runs: u32,
    /// The sidecar's throughput (Rego) divided by that of the cloud path.
    pub(in crate::bench) throughput_of_sidecar: Rounds,
    /// Its p99 divided by the sidecar's (Rego), each in a closed loop: that is the throughput told
    /// again, since as many requests wait in both.
    pub(in crate::bench) p99_over_sidecar: Rounds,
    pub(in crate::bench) equal_load: EqualLoad,
    /// The cloud path's p99 in the decision record, and where that is from.
    pub(in crate::bench) recorded_p99_ms: f64,
    pub(in crate::bench) recorded_in: &'static str,
}

/// Open loops at one rate against the cloud path and the sidecar (Rego), in turn: what a caller
/// waits where neither is full.
#[derive(Debug, Clone, Serialize)]
pub(in crate::bench) struct EqualLoad {
    pub(in crate::bench) rate_per_sec: Rounds,
    pub(in crate::bench) duration_sec: u32,
    pub(in crate::bench) cloud_p50_ms: Rounds,
    pub(in crate::bench) cloud_p99_ms: Rounds,
    pub(in crate::bench) sidecar_p50_ms: Rounds,
    pub(in crate::bench) sidecar_p99_ms: Rounds,
    /// The cloud path's p99 divided by the sidecar's.
    pub(in crate::bench) p99_over_sidecar: Rounds,
}

/// Half of what the cloud path gets through, which the sidecar carries as well; in hundreds a
/// second, and one at least.
pub(super) fn equal_rate(through_per_s: f64) -> u32 {
    let hundreds = (through_per_s / 200.0).floor();
    100 * (hundreds as u32).max(1)
}

impl CloudPath {
    pub(super) fn new(
        (policy_server, file_system): (&'static str, &str),
        runs: &Runs,
        sidecar: &Runs,
        equal_load: EqualLoad,
    ) -> Self {
        let p99 = |runs: &Runs| latency(&runs.closed, |l| l.p99);
        Self {
            policy_server,
            file_system: file_system.to_owned(),
            closed_requests_per_sec: Rounds::of(throughput(&runs.closed)),
            closed_p50_ms: Rounds::of(latency(&runs.closed, |l| l.p50)),
            closed_p99_ms: Rounds::of(p99(runs)),
            errors: runs.every().map(|run| run.counts.errors).sum(),
            unexpected: runs.every().map(|run| run.counts.unexpected).sum(),
            invalid_runs: runs.every().map(|run| u32::from(!run.valid)).sum(),
            repeated_runs: runs.repeated,
            throughput_of_sidecar: Rounds::ratios(
                &throughput(&sidecar.closed),
                &throughput(&runs.closed),
            ),
            p99_over_sidecar: Rounds::ratios(&p99(runs), &p99(sidecar)),
            equal_load,
            recorded_p99_ms: 252.45,
            recorded_in: "P0-PERF-v2-2026-01-16-073422.json",
        }
    }
}

impl EqualLoad {
    pub(super) fn new(rates: &[u32], seconds: u32, cloud: &Runs, sidecar: &Runs) -> Self {
        let p50 = |runs: &[Measured]| latency(runs, |l: &Latency| l.p50);
        let p99 = |runs: &[Measured]| latency(runs, |l: &Latency| l.p99);
        let (cloud, sidecar) = (&cloud.equal_load, &sidecar.equal_load);
        Self {
            rate_per_sec: Rounds::of(rates.iter().copied().map(f64::from).collect()),
            duration_sec: seconds,
            cloud_p50_ms: Rounds::of(p50(cloud)),
            cloud_p99_ms: Rounds::of(p99(cloud)),
            sidecar_p50_ms: Rounds::of(p50(sidecar)),
            sidecar_p99_ms: Rounds::of(p99(sidecar)),
            p99_over_sidecar: Rounds::ratios(&p99(cloud), &p99(sidecar)),
        }
    }
}

#[cfg(test)]
impl CloudPath {
    /// One that does in one round what the sidecar does.
    pub(in crate::bench) fn example() -> Self {
        let runs = super::tests::runs(&Measured::example());
        let equal_load = EqualLoad::new(&[500], 5, &runs, &runs);
        Self::new(("opa", "tmpfs"), &runs, &runs, equal_load)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_equal_load_is_half_of_what_the_cloud_path_gets_through_in_hundreds() {
        for (through, rate) in [
            (3_208.8, 1_600),
            (3_199.9, 1_500),
            (250.0, 100),
            (10.0, 100),
            (0.0, 100),
        ] {
            assert_eq!(equal_rate(through), rate, "{through}");
        }
    }

    fn open(p50: f64, p99: f64) -> Runs {
        let mut run = Measured::example();
        run.response_time_ms.p50 = p50;
        run.response_time_ms.p99 = p99;
        Runs {
            equal_load: vec![run],
            ..Runs::default()
        }
    }

    #[test]
    fn at_equal_load_the_ratio_is_of_the_open_loops() {
        let equal = EqualLoad::new(&[1_600], 5, &open(4.0, 30.0), &open(0.25, 1.5));
        let found = [
            equal.rate_per_sec.median,
            equal.cloud_p50_ms.median,
            equal.cloud_p99_ms.median,
            equal.sidecar_p50_ms.median,
            equal.sidecar_p99_ms.median,
            equal.p99_over_sidecar.median,
        ];
        assert_eq!(found, [1_600.0, 4.0, 30.0, 0.25, 1.5, 20.0]);
    }

    #[test]
    fn invalid_runs_of_either_loop_are_counted() {
        let mut invalid = Measured::example();
        invalid.valid = false;
        invalid.counts.errors = 1;
        let runs = Runs {
            closed: vec![invalid.clone()],
            equal_load: vec![invalid],
            repeated: 4,
            ..Runs::default()
        };
        let sidecar = Runs::default();
        let equal = EqualLoad::new(&[100], 5, &runs, &sidecar);
        let path = CloudPath::new(("opa", "tmpfs"), &runs, &sidecar, equal);
        assert_eq!(path.file_system, "tmpfs");
        let counts = (path.invalid_runs, path.repeated_runs, path.errors);
        assert_eq!(counts, (2, 4, 2));
    }
}
