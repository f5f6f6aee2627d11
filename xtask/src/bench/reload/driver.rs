//! The operator: swaps the bundle and asks for a reload each second, and sends an order of its own
//! after each, which must be decided by the new one.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use serde_json::Value;

use super::super::server::Server;
use super::Bundles;

const PERIOD: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(30);

/// What the operator saw.
#[derive(Debug, Default)]
pub(super) struct Driven {
    pub(super) reloads: u64,
    pub(super) refused: u64,
    pub(super) reload_ms: Vec<f64>,
    pub(super) seconds: f64,
    /// Own orders that were not answered with a decision.
    pub(super) errors: u64,
    /// Own orders that were decided by another policy than the one just put in force.
    pub(super) stale: u64,
    pub(super) tokens: Vec<Token>,
}

/// What a token says of its decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) seq: u64,
    pub(super) revision: String,
    pub(super) hash: String,
}

impl Driven {
    pub(super) fn add(&mut self, other: Self) {
        self.reloads += other.reloads;
        self.refused += other.refused;
        self.reload_ms.extend(other.reload_ms);
        self.seconds += other.seconds;
        self.errors += other.errors;
        self.stale += other.stale;
        self.tokens.extend(other.tokens);
    }
}

pub(super) struct Driver {
    stop: Sender<()>,
    thread: JoinHandle<Result<Driven>>,
}

impl Driver {
    pub(super) fn start(server: &Server, bundles: Bundles) -> Result<Self> {
        let admin = server.admin.clone().context("no admin address")?;
        let public = server.url.trim_start_matches("http://").to_owned();
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new()
            .name("reloads".to_owned())
            .spawn(move || drive(&admin, &public, &bundles, &stopped))?;
        Ok(Self { stop, thread })
    }

    pub(super) fn finish(self) -> Result<Driven> {
        drop(self.stop);
        self.thread
            .join()
            .map_err(|_| anyhow!("the reloading thread panicked"))?
    }
}

fn drive(admin: &str, public: &str, bundles: &Bundles, stopped: &Receiver<()>) -> Result<Driven> {
    let mut driven = Driven::default();
    let began = Instant::now();
    let mut due = began;
    for number in 1_usize.. {
        due += PERIOD;
        let left = due.saturating_duration_since(Instant::now());
        if stopped.recv_timeout(left) != Err(RecvTimeoutError::Timeout) {
            break;
        }
        let revision = bundles.put(number)?;
        let asked = Instant::now();
        let (status, reply) = post(admin, "/v1/reload", "{}")?;
        driven.reloads += 1;
        driven.reload_ms.push(asked.elapsed().as_secs_f64() * 1e3);
        if status != 200 || reply.get("revision").and_then(Value::as_str) != Some(revision) {
            driven.refused += 1;
            eprintln!("reload {number}: {status} {reply}");
            continue;
        }
        let order = format!(
            r#"{{"order":{{"client_order_id":"reload-{number}","symbol":"AAPL","side":"BUY","qty":1,"price":185.50}},"context":{{"client_id":"reloader-{number}"}}}}"#
        );
        let (status, reply) = post(public, "/v1/authorize", &order)?;
        match token(&reply) {
            Some(token) if status == 200 => {
                driven.stale += u64::from(token.revision != revision);
                driven.tokens.push(token);
            }
            _ => driven.errors += 1,
        }
    }
    driven.seconds = began.elapsed().as_secs_f64();
    Ok(driven)
}

fn token(reply: &Value) -> Option<Token> {
    let payload = reply.pointer("/decision_token/payload")?;
    let text = |name: &str| Some(payload.get(name)?.as_str()?.to_owned());
    Some(Token {
        seq: payload.get("seq")?.as_u64()?,
        revision: text("policy_revision")?,
        hash: text("policy_hash")?,
    })
}

/// One request on a connection of its own; its status and body.
fn post(address: &str, path: &str, body: &str) -> Result<(u16, Value)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    let (head, body) = reply.split_once("\r\n\r\n").context("no HTTP reply")?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok((status.context("no status")?, serde_json::from_str(body)?))
}
