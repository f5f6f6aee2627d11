//! The rate that a part of the benchmark halves.

use std::path::Path;

use anyhow::Result;

use super::Args;
use super::binaries::Binaries;
use super::load::Load;
use super::server::Server;

const SECONDS: u32 = 5;
/// A search that ends below this share of what the closed loop gets through ended at the machine's noise.
const LEAST_SHARE: f64 = 0.5;

/// Requests a second: the highest rate at which p99 stays below 10 ms without an error; where noise ended
/// the search, what the closed loop gets through.
pub(super) fn measure(
    args: &Args,
    binaries: &Binaries,
    server: &Server,
    scratch: &Path,
) -> Result<f64> {
    let closed = Load::closed_for(args.connections, SECONDS);
    let closed_per_s = closed.run(binaries, server, scratch)?.successes_per_s;
    let search = Load::saturate(args.connections);
    let found = search.best_rate(binaries, server, scratch)?;
    let rate = either(found, closed_per_s);
    println!(
        "saturation at {rate:.0} req/s (highest rate within the objective: {}; closed loop: {closed_per_s:.0})",
        found.map_or("none".to_owned(), |found| format!("{found:.0}"))
    );
    Ok(rate)
}

fn either(found: Option<f64>, closed_per_s: f64) -> f64 {
    found
        .filter(|found| *found >= LEAST_SHARE * closed_per_s)
        .unwrap_or(closed_per_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_that_noise_ended_does_not_count() {
        for (found, expected) in [
            (Some(42_000.0), 42_000.0),
            (Some(40_000.0), 40_000.0),
            (Some(25_600.0), 80_000.0),
            (None, 80_000.0),
        ] {
            assert!(
                (either(found, 80_000.0) - expected).abs() < 1e-9,
                "{found:?}"
            );
        }
    }
}
