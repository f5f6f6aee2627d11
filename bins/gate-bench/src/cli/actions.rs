//! Runs the subcommands: makes the runs, checks the samples, writes the output.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use gate_token::KeyRing;

use super::{CommonArgs, SaturateArgs, SweepArgs, interrupt};
use crate::hdrlog;
use crate::open::Rate;
use crate::report::Report;
use crate::run::{Mode, Run, run};
use crate::search::{self, Series};
use crate::summary;
use crate::verify;

/// Measured, but the figures say more about the generator than about the server.
const NOT_VALID: u8 = 3;

/// The same as clap's.
const WRONG_USAGE: u8 = 2;

/// One run, reported.
pub(super) fn one(args: &CommonArgs, hdr: Option<&Path>, mode: Mode) -> anyhow::Result<ExitCode> {
    make_files(args, hdr)?;
    let interrupted = interrupt::on_signal()?;
    let (finished, report) = measure(args, mode, &interrupted)?;
    if let Some(path) = hdr {
        let mut file = make_file(path)?;
        hdrlog::write(&finished, &mut file)?;
    }
    write(args, &report, &summary::text(&report))?;
    Ok(exit_code(report.valid))
}

/// One open loop per rate.
pub(super) fn sweep(args: &SweepArgs) -> anyhow::Result<ExitCode> {
    make_files(&args.common, None)?;
    let interrupted = interrupt::on_signal()?;
    let series = search::sweep(&args.rates, args.series.objective(), |rate| {
        args.series.measure(&args.common, rate, &interrupted)
    })?;
    finish(&args.common, &series, None)
}

/// Open loops until the highest good rate is known.
pub(super) fn saturate(args: &SaturateArgs) -> anyhow::Result<ExitCode> {
    let range = (args.from, args.to);
    if args.from > args.to {
        return Ok(wrong_usage("`--from` is above `--to`"));
    }
    make_files(&args.common, None)?;
    let objective = args.series.objective();
    let interrupted = interrupt::on_signal()?;
    let series = search::saturate(range, args.precision, objective, |rate| {
        args.series.measure(&args.common, rate, &interrupted)
    })?;
    finish(&args.common, &series, Some(args.to))
}

impl super::SeriesArgs {
    fn measure(
        &self,
        common: &CommonArgs,
        per_s: f64,
        interrupted: &Arc<AtomicBool>,
    ) -> anyhow::Result<Report> {
        let mode = Mode::Open(Rate {
            per_s,
            arrivals: self.arrivals,
            duration: self.duration,
        });
        let (_, report) = measure(common, mode, interrupted)?;
        if !common.json_to_stdout() {
            let line = summary::line(&report);
            writeln!(std::io::stdout(), "{per_s:>10.0}/s {line}")?;
        }
        Ok(report)
    }
}

/// `most` is the highest rate that a search may try.
fn finish(common: &CommonArgs, series: &Series, most: Option<f64>) -> anyhow::Result<ExitCode> {
    let text = match series.best_rate_per_s {
        Some(rate) if Some(rate) == most => {
            format!("highest rate that met the objective: {rate:.0}/s or more (`--to`)\n")
        }
        Some(rate) => format!("highest rate that met the objective: {rate:.0}/s\n"),
        None => "no rate met the objective\n".to_owned(),
    };
    write(common, series, &text)?;
    Ok(exit_code(series.is_good()))
}

fn wrong_usage(what: &str) -> ExitCode {
    eprintln!("error: {what}");
    ExitCode::from(WRONG_USAGE)
}

/// Opens the output files before any load, so that one that cannot be written does not cost a run.
/// Old content stays until there is a result, and no file is made without one.
fn make_files(args: &CommonArgs, hdr: Option<&Path>) -> anyhow::Result<()> {
    let json = args.json.as_deref().filter(|_| !args.json_to_stdout());
    json.into_iter().chain(hdr).try_for_each(|path| {
        let is_new = !path.exists();
        let opened = File::options().append(true).create(true).open(path);
        opened.map(drop).with_context(|| cannot_write(path))?;
        if is_new {
            std::fs::remove_file(path).with_context(|| cannot_write(path))?;
        }
        Ok(())
    })
}

fn make_file(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| cannot_write(path))
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write `{}`", path.display())
}

fn exit_code(good: bool) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_VALID)
    }
}

fn measure(
    args: &CommonArgs,
    mode: Mode,
    interrupted: &Arc<AtomicBool>,
) -> anyhow::Result<(Run, Report)> {
    let config = args.config(mode, interrupted)?;
    let keys = args.keys.as_deref().map(read_keys).transpose()?;
    let finished = run(&config)?;
    let (tokens, segments) = verify::look(&finished, keys.as_ref(), args.aud.as_deref());
    let report = Report::new(&finished, tokens, &segments);
    Ok((finished, report))
}

fn read_keys(path: &Path) -> anyhow::Result<KeyRing> {
    let text = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    KeyRing::from_jwks(&text).with_context(|| format!("`{}` is no key set", path.display()))
}

/// Writes the JSON if asked for, and the text unless the JSON took its place.
fn write(args: &CommonArgs, value: &impl serde::Serialize, text: &str) -> anyhow::Result<()> {
    if let Some(path) = &args.json {
        let mut json = serde_json::to_vec_pretty(value)?;
        json.push(b'\n');
        if args.json_to_stdout() {
            std::io::stdout().write_all(&json)?;
            return Ok(());
        }
        make_file(path)?.write_all(&json)?;
    }
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
