//! Finds the saturation, of which other parts of the benchmark use half.

use std::path::Path;

use anyhow::Result;

use super::Args;
use super::binaries::Binaries;
use super::load::Load;
use super::server::Server;

const SECONDS: u32 = 5;

/// Requests a second: the highest rate at which p99 stays below 10 ms without an error; where the search
/// found none, what the closed loop gets through.
pub(super) fn measure(
    args: &Args,
    binaries: &Binaries,
    server: &Server,
    scratch: &Path,
) -> Result<f64> {
    let search = Load::saturate(args.connections);
    if let Some(found) = search.best_rate(binaries, server, scratch)? {
        println!("saturation at {found:.0} req/s (the highest rate within the objective)");
        return Ok(found);
    }
    let closed = Load::closed_for(args.connections, SECONDS);
    let through = closed.run(binaries, server, scratch)?.successes_per_s;
    println!("no rate is within the objective; the closed loop's is taken: {through:.0} req/s");
    Ok(through)
}
