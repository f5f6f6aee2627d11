//! Reloads the policy every second at half of the saturation: does any order fail, wait, or name a
//! policy that did not decide it?
//!
//! Two revisions of the shipped Rego take turns. They decide alike, so that only the reload can
//! make a difference. The load runs without reloads and with, in turns; afterwards the journal
//! tells which policy decided each order.

mod driver;
mod journal;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;

use self::driver::{Driven, Driver};
use self::journal::Journal;
use super::Args;
use super::binaries::Binaries;
use super::canonical::line;
use super::load::{Load, Measured};
use super::saturation;
use super::server::Server;
use super::stats::Rounds;

/// The results.
#[derive(Debug, Serialize)]
pub(super) struct Reload {
    /// See [`saturation`]; absent when the rate was given.
    pub(super) saturation_per_s: Option<f64>,
    pub(super) rate_per_s: u32,
    pub(super) seconds: u32,
    pub(super) without_p99_ms: Rounds,
    pub(super) with_p99_ms: Rounds,
    #[serde(rename = "without_p99.9_ms")]
    pub(super) without_p99_9_ms: Rounds,
    #[serde(rename = "with_p99.9_ms")]
    pub(super) with_p99_9_ms: Rounds,
    /// Round by round.
    pub(super) p99_ratio: Rounds,
    /// The errors in both kinds of run.
    pub(super) errors: u64,
    pub(super) invalid_runs: u32,
    pub(super) reloads: u64,
    pub(super) reloads_refused: u64,
    /// The seconds during which reloads were made.
    pub(super) reload_seconds: f64,
    /// From the call to its answer: compiling, testing and putting in force.
    pub(super) reload_ms: Option<Rounds>,
    /// Decisions found in the journal, warm-up included.
    pub(super) decisions: u64,
    /// Decisions whose policy was not in force when they were made, or whose token names another
    /// policy than the journal.
    pub(super) wrong_bundle: u64,
    /// Tokens that were compared with the journal, one by one.
    pub(super) tokens_compared: u64,
    /// Decisions under the policy that a reload had just replaced: they had begun before it.
    pub(super) decided_across_a_reload: u64,
    /// The artifact has it with the others'.
    #[serde(skip)]
    pub(super) ended_badly: Vec<String>,
}

#[derive(Default)]
struct Totals {
    errors: u64,
    invalid_runs: u32,
    driven: Driven,
    journal: Journal,
    ended_badly: Vec<String>,
}

impl Reload {
    pub(super) fn measure(args: &Args, binaries: &Binaries, scratch: &Path) -> Result<Self> {
        let bundles = Bundles::make(binaries, &scratch.join("bundles"))?;
        let mut totals = Totals::default();
        let (saturation_per_s, rate_per_s) =
            rate(args, binaries, &bundles, scratch, &mut totals.ended_badly)?;
        println!("{rate_per_s} req/s for {} s", args.reload_seconds);
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for round in 0..args.reload_rounds {
            // The order changes from round to round.
            for reloading in [round % 2 == 1, round % 2 == 0] {
                let dir = scratch.join(format!("reload-{round}-{reloading}"));
                let run = Run {
                    args,
                    binaries,
                    scratch,
                    bundles: &bundles,
                    dir: &dir,
                };
                let measured = run.measure(rate_per_s, reloading, &mut totals)?;
                let name = if reloading { "reloads" } else { "without" };
                println!("{name}{}", line(&measured));
                if reloading {
                    with.push(measured);
                } else {
                    without.push(measured);
                }
            }
        }
        let reload = Self::new(args, saturation_per_s, rate_per_s, &without, &with, totals);
        println!(
            "p99 {:.3} ms without, {:.3} ms with a reload a second: ratio {:.2}; {} reloads, \
             {} decisions, {} across a reload, {} of the wrong bundle",
            reload.without_p99_ms.median,
            reload.with_p99_ms.median,
            reload.p99_ratio.median,
            reload.reloads,
            reload.decisions,
            reload.decided_across_a_reload,
            reload.wrong_bundle
        );
        Ok(reload)
    }

    fn new(
        args: &Args,
        saturation_per_s: Option<f64>,
        rate_per_s: u32,
        without: &[Measured],
        with: &[Measured],
        totals: Totals,
    ) -> Self {
        let of = |runs: &[Measured], figure: fn(&Measured) -> f64| -> Vec<f64> {
            runs.iter().map(figure).collect()
        };
        let p99 = |run: &Measured| run.response_time_ms.p99;
        let p99_9 = |run: &Measured| run.response_time_ms.p99_9;
        let (p99_with, p99_without) = (of(with, p99), of(without, p99));
        let Totals {
            errors,
            invalid_runs,
            driven,
            journal,
            ended_badly,
        } = totals;
        Self {
            saturation_per_s,
            rate_per_s,
            seconds: args.reload_seconds,
            p99_ratio: Rounds::ratios(&p99_with, &p99_without),
            without_p99_ms: Rounds::of(p99_without),
            with_p99_ms: Rounds::of(p99_with),
            without_p99_9_ms: Rounds::of(of(without, p99_9)),
            with_p99_9_ms: Rounds::of(of(with, p99_9)),
            errors: errors + driven.errors,
            invalid_runs,
            reloads: driven.reloads,
            reloads_refused: driven.refused,
            reload_seconds: driven.seconds,
            reload_ms: (!driven.reload_ms.is_empty()).then(|| Rounds::of(driven.reload_ms)),
            decisions: journal.decisions,
            wrong_bundle: journal.wrong + driven.stale,
            tokens_compared: journal.tokens_compared,
            decided_across_a_reload: journal.across,
            ended_badly,
        }
    }
}

/// The saturation, when it is searched, and the rate.
fn rate(
    args: &Args,
    binaries: &Binaries,
    bundles: &Bundles,
    scratch: &Path,
    ended_badly: &mut Vec<String>,
) -> Result<(Option<f64>, u32)> {
    if let Some(rate) = args.reload_rate {
        return Ok((None, rate));
    }
    let dir = scratch.join("reload-saturation");
    let server = bundles.serve(binaries, &dir, &args.durability)?;
    let saturation_per_s = saturation::measure(args, binaries, &server, scratch)?;
    ended_badly.extend(server.end());
    Ok((
        Some(saturation_per_s),
        (saturation_per_s / 2.0).round() as u32,
    ))
}

struct Run<'a> {
    args: &'a Args,
    binaries: &'a Binaries,
    scratch: &'a Path,
    bundles: &'a Bundles,
    dir: &'a Path,
}

impl Run<'_> {
    /// One open loop on a fresh sidecar, and what its journal says.
    fn measure(&self, rate: u32, reloading: bool, totals: &mut Totals) -> Result<Measured> {
        let (args, binaries) = (self.args, self.binaries);
        self.bundles.put(0)?;
        let server = self.bundles.serve(binaries, self.dir, &args.durability)?;
        let driver = reloading.then(|| Driver::start(&server, self.bundles.clone()));
        let driver = driver.transpose()?;
        let measured = Load::open(args.connections, rate, args.reload_seconds)
            .with("--warmup", 2)
            .run(binaries, &server, self.scratch);
        let driven = driver.map(Driver::finish).transpose()?.unwrap_or_default();
        let measured = measured?;
        totals.ended_badly.extend(server.end());
        let journal = Journal::read(
            binaries,
            self.dir,
            &self.bundles.revisions(),
            &driven.tokens,
        )?;
        totals.errors += measured.counts.errors + measured.counts.unexpected;
        totals.invalid_runs += u32::from(!measured.valid);
        totals.driven.add(driven);
        totals.journal.add(&journal);
        std::fs::remove_dir_all(self.dir).context("cannot remove a data directory")?;
        Ok(measured)
    }
}

/// Two revisions of the shipped bundle, and the link that the sidecar reads.
#[derive(Debug, Clone)]
struct Bundles {
    dir: PathBuf,
}

const REVISIONS: [&str; 2] = ["reload-a", "reload-b"];

impl Bundles {
    fn make(binaries: &Binaries, dir: &Path) -> Result<Self> {
        let shipped = binaries.root.join(super::Engine::Rego.bundle());
        for revision in REVISIONS {
            let to = dir.join(revision);
            std::fs::create_dir_all(&to)?;
            for entry in std::fs::read_dir(&shipped)? {
                let entry = entry?;
                std::fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
            let manifest = to.join(".manifest");
            let text = std::fs::read(&manifest).context("the shipped bundle has no manifest")?;
            let mut parsed: serde_json::Value = serde_json::from_slice(&text)?;
            let members = parsed
                .as_object_mut()
                .context("its manifest is no object")?;
            members.insert("revision".to_owned(), revision.into());
            std::fs::write(&manifest, parsed.to_string())?;
        }
        let bundles = Self {
            dir: dir.to_owned(),
        };
        bundles.put(0)?;
        Ok(bundles)
    }

    fn revisions(&self) -> [&'static str; 2] {
        REVISIONS
    }

    fn live(&self) -> PathBuf {
        self.dir.join("live")
    }

    /// Swaps the link, so that the next load reads this one; returns its revision.
    fn put(&self, which: usize) -> Result<&'static str> {
        let revision = *REVISIONS.get(which % 2).context("two revisions")?;
        let new = self.dir.join("live-new");
        let _ = std::fs::remove_file(&new);
        std::os::unix::fs::symlink(revision, &new)?;
        std::fs::rename(&new, self.live())?;
        Ok(revision)
    }

    fn serve(&self, binaries: &Binaries, dir: &Path, durability: &str) -> Result<Server> {
        let name = "sidecar (reloading)".to_owned();
        // Only the operator's call reloads: each one is to be answered by what it was asked for.
        let flags = ["--durability", durability, "--set", "bundle_watch_s=0"];
        let server = Server::sidecar_with(binaries, dir, name, &self.live(), &flags)?;
        ensure!(server.admin.is_some(), "the sidecar named no admin address");
        Ok(server)
    }
}
