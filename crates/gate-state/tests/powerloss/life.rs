//! One seed: the lives of one store, each in a process of its own that a power failure ends.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::Plan;
use crate::inspect::{Outcome, Told, inspect};
use crate::load::Kind;

pub(crate) const LIVES: u64 = 3;

/// Everything a seed decides.
pub(crate) fn seed(work: &Path, shim: &Path, seed: u64, plan: &Plan) -> Outcome {
    let (dir, copy, look) = (work.join("dir"), work.join("copy"), work.join("look"));
    fresh(&copy);
    let mix = |n: u64| draw(seed * 64 + n);
    let lives = 1 + mix(0) % LIVES;
    let kind = Kind::of(mix(1));
    let mut told = Told::default();
    let mut total = Outcome::default();
    for life in 0..lives {
        let draw = |n: u64| mix(2 + life * 8 + n);
        // Each life begins with what the power failure left.
        copy_files(&copy, &dir);
        let at = match draw(0) % 4 {
            // Also while the store is being opened.
            0 if life > 0 => 1 + draw(1) % 40,
            _ => 10 + draw(1) % 1_500,
        };
        let mut load = Command::new(std::env::current_exe().unwrap());
        load.arg("load")
            .arg(&dir)
            .args([if plan.relaxed { "relaxed" } else { "strict" }])
            .args([life.to_string(), kind.as_str().to_owned()])
            .env("LD_PRELOAD", shim)
            .env("POWERLOSS_DIR", &dir)
            .env("POWERLOSS_COPY", &copy)
            .env("POWERLOSS_SEED", draw(2).to_string())
            .env("POWERLOSS_AT", at.to_string())
            .stderr(Stdio::null());
        if let Some(lie) = &plan.plant {
            load.env("POWERLOSS_LIE", lie);
        }
        if let Some(trouble) = &plan.trouble {
            load.env("POWERLOSS_FAIL", trouble)
                .env("POWERLOSS_FAIL_AT", (at / 4 + draw(3) % at).to_string())
                .env("POWERLOSS_FAIL_FOR", (1 + draw(4) % 8).to_string());
        }
        let output = load.output().unwrap();
        let cut_short = output.status.code() == Some(137);
        told.add(life, &String::from_utf8(output.stdout).unwrap());
        copy_files(&copy, &look);
        let mut outcome = inspect(&look, &mut told, kind);
        outcome.cut_short = u64::from(cut_short);
        if !cut_short && !output.status.success() {
            let fault = format!("life {life}: the load ended with {}", output.status);
            outcome.faults.push(fault);
        }
        total.add(outcome);
    }
    total
}

/// SplitMix64.
fn draw(n: u64) -> u64 {
    let z = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn fresh(dir: &Path) {
    let _ = std::fs::remove_dir_all(dir);
    std::fs::create_dir(dir).unwrap();
}

/// Makes `to` hold exactly the files of `from`.
fn copy_files(from: &Path, to: &Path) {
    fresh(to);
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}
