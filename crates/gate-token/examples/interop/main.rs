//! Hostile random tokens between this crate and a verifier in another language, both ways.
//!
//! ```text
//! interop [--count N] [--seed S] [--only jws] -- COMMAND…
//! ```
//! The command reads tasks from its standard input and answers on its standard output, a line
//! of JSON each; `test-vectors/README.md` has the members. Exit 0: no disagreement.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "a tool of the tests: what goes wrong ends it"
)]

mod random;

use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::process::{Command, ExitCode, Stdio};

use gate_token::order::digest_of_json;
use gate_token::{Claims, Expectations, KeyRing, sign_into, sign_jws, verify};
use serde_json::{Value, json};

use random::Random;

const AUD: &str = "venue-gateway";
const NOW_S: u64 = 1_790_000_010;
const EXPECT: Expectations<'static> = Expectations {
    aud: AUD,
    now_s: NOW_S,
    leeway_s: 0,
};
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut count, mut seed, mut jws_only) = (1_000_u64, 1_u64, false);
    for argument in arguments.by_ref() {
        if argument == "--" {
            break;
        }
        let (name, value) = argument.split_once('=').expect("--name=value");
        match name {
            "--count" => count = value.parse().unwrap(),
            "--seed" => seed = value.parse().unwrap(),
            "--only" => jws_only = value == "jws",
            other => panic!("unknown argument {other}"),
        }
    }
    let command: Vec<String> = arguments.collect();
    let jwks = format!(
        r#"{{"keys":[{{"kty":"oct","alg":"HS256","kid":"k\u00e91","k":"{SECRET}"}},
            {{"kty":"oct","alg":"HS256","kid":"old","k":"{}","key_ops":["verify"]}}]}}"#,
        "B".repeat(64)
    );
    let keys = KeyRing::from_jwks(jwks.as_bytes()).unwrap();
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = BufWriter::new(child.stdin.take().unwrap());
    let from = BufReader::new(child.stdout.take().unwrap());
    let setup =
        json!({"keys": serde_json::from_str::<Value>(&jwks).unwrap(), "aud": AUD, "now": NOW_S});
    let writer_keys = keys.clone();
    let writer = std::thread::spawn(move || {
        // A verifier that stopped early shows as missing answers.
        let _ = writeln!(to, "{setup}");
        for index in 0..count {
            let task = Task::random(seed, index, &writer_keys);
            if writeln!(to, "{}", task.to_json()).is_err() {
                break;
            }
        }
    });
    let (mut answers, mut checks, mut wrong) = (0_u64, 0_u64, 0_u64);
    let mut reasons = std::collections::BTreeMap::new();
    for line in from.lines() {
        let answer: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let task = Task::random(seed, answers, &keys);
        for (what, found, expected) in task.compare(&answer, &keys, jws_only) {
            checks += 1;
            if what.starts_with("verdict") {
                *reasons.entry(expected.clone()).or_insert(0_u64) += 1;
            }
            if found != expected {
                wrong += 1;
                if wrong <= 10 {
                    println!(
                        "task {answers}, {what:?}:\n  theirs {found:?}\n  ours   {expected:?}"
                    );
                }
            }
        }
        answers += 1;
    }
    writer.join().unwrap();
    let ended = child.wait().unwrap().success();
    println!(
        "{}: {answers} random tasks, {checks} comparisons, {wrong} disagreements",
        command.join(" ")
    );
    println!("  our verdicts: {reasons:?}");
    if !ended || answers != count {
        ExitCode::FAILURE
    } else if wrong > 0 {
        // What a planted fault is expected to come to.
        ExitCode::from(3)
    } else {
        ExitCode::SUCCESS
    }
}

/// What is sent in a line: claims to sign, tokens to judge, an order to digest.
struct Task {
    claims: Claims<'static>,
    claims_text: String,
    tokens: Vec<(&'static str, String)>,
    order: String,
}

impl Task {
    fn random(seed: u64, index: u64, keys: &KeyRing) -> Self {
        let mut random =
            Random::seeded(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (index << 20) ^ index);
        let claims = random.claims(keys);
        let key = keys.get(&claims.kid).unwrap();
        let mut object = Vec::new();
        sign_into(&claims, key, &mut object);
        let object = String::from_utf8(object).unwrap();
        let jws = sign_jws(&claims, key);
        let value: Value = serde_json::from_str(&object).unwrap();
        let tokens = vec![
            ("object", random.respell(&value)),
            ("jws", jws.clone()),
            ("object", random.break_text(&object)),
            ("jws", random.break_text(&jws)),
            ("object", object),
        ];
        let order = random.order();
        Self {
            claims_text: random.respell(&value["payload"]),
            claims,
            tokens,
            order,
        }
    }

    fn to_json(&self) -> Value {
        json!({"claims": self.claims_text, "tokens": self.tokens, "order": self.order})
    }

    /// (what, theirs, ours) of everything the answer must hold.
    fn compare(
        &self,
        answer: &Value,
        keys: &KeyRing,
        jws_only: bool,
    ) -> Vec<(String, String, String)> {
        let mut rows = Vec::new();
        let text = |value: &Value| value.as_str().unwrap_or("nothing").to_owned();
        let verdict = |token: &str| match verify(token.as_bytes(), keys, &EXPECT) {
            Ok(_) => "valid".to_owned(),
            Err(error) => error.as_str().to_owned(),
        };
        for (index, (form, token)) in self.tokens.iter().enumerate() {
            if !jws_only || *form == "jws" {
                let theirs = text(&answer["verdicts"][index]);
                rows.push((format!("verdict on {token}"), theirs, verdict(token)));
            }
        }
        // Theirs, judged by us: good exactly when ours is, and with the same claims in it.
        let ours = self.tokens.last().unwrap().1.clone();
        let theirs = text(&answer["jws"]);
        rows.push((
            format!("our verdict on their {theirs}"),
            verdict(&theirs),
            verdict(&ours),
        ));
        if let Ok(claims) = verify(theirs.as_bytes(), keys, &EXPECT) {
            rows.push((
                "claims".into(),
                format!("{claims:?}"),
                format!("{:?}", self.claims),
            ));
        }
        if !jws_only {
            rows.push(("token".into(), text(&answer["token"]), ours));
            let digest = digest_of_json(self.order.as_bytes()).unwrap();
            let what = format!("order digest of {}", self.order);
            rows.push((what, text(&answer["order_digest"]), digest.to_base64url()));
        }
        rows
    }
}
