//! The path that the sidecar replaces: an order service that asks a policy server over HTTP and
//! writes an audit row to PostgreSQL, synchronously, before it replies.
//!
//! It speaks enough of the contract to be measured: the verdict, and the time of each step. It
//! signs nothing and holds no exposure, so it does less work than the sidecar, not more.

use std::cell::Cell;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Instant;

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context as _;
use clap::Parser;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls, Statement};

/// An order service of the cloud kind: policy over HTTP, audit row in PostgreSQL.
#[derive(Debug, Clone, Parser)]
struct Args {
    /// Address to listen on; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The policy server's decision, an OPA Data API URL.
    #[arg(long)]
    policy: String,
    /// How to reach PostgreSQL, as `host=… port=… user=… dbname=…`.
    #[arg(long)]
    postgres: String,
    /// Database connections of each worker.
    #[arg(long, default_value_t = 8)]
    pool: usize,
    /// Stop when standard input reaches its end.
    #[arg(long)]
    until_stdin_closes: bool,
}

const CREATE: &str = "CREATE TABLE IF NOT EXISTS audit (
    id bigserial PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    client_order_id text NOT NULL,
    status text NOT NULL,
    entry text NOT NULL)";
const INSERT: &str = "INSERT INTO audit (client_order_id, status, entry) VALUES ($1, $2, $3)";

/// One worker's own connections.
struct Worker {
    http: HttpClient<HttpConnector, Full<Bytes>>,
    policy: String,
    pool: Vec<(Client, Statement)>,
    next: Cell<usize>,
}

impl Worker {
    async fn connect(args: Args) -> anyhow::Result<Self> {
        let mut pool = Vec::with_capacity(args.pool);
        for _ in 0..args.pool.max(1) {
            let (client, connection) = tokio_postgres::connect(&args.postgres, NoTls)
                .await
                .context("cannot reach PostgreSQL")?;
            actix_web::rt::spawn(connection);
            let insert = client.prepare(INSERT).await?;
            pool.push((client, insert));
        }
        Ok(Self {
            http: HttpClient::builder(TokioExecutor::new()).build_http(),
            policy: args.policy,
            pool,
            next: Cell::new(0),
        })
    }

    async fn decide(&self, body: &[u8]) -> anyhow::Result<Value> {
        let began = Instant::now();
        let request: Value = serde_json::from_slice(body)?;
        let parsed = Instant::now();
        let allow = self.ask_policy(&request).await?;
        let judged = Instant::now();
        let status = if allow { "AUTHORIZED" } else { "BLOCKED" };
        self.audit(&request, status).await?;
        let written = Instant::now();
        Ok(json!({
            "trace_id": "00000000-0000-4000-8000-000000000000",
            "status": status,
            "timing_ms": {
                "parse": (parsed - began).as_secs_f64() * 1e3,
                "policy": (judged - parsed).as_secs_f64() * 1e3,
                "state": (written - judged).as_secs_f64() * 1e3,
                "total": (written - began).as_secs_f64() * 1e3,
            },
        }))
    }

    /// Asks with an empty book: this service knows no exposure.
    async fn ask_policy(&self, request: &Value) -> anyhow::Result<bool> {
        let at = |pointer: &str| request.pointer(pointer).cloned().unwrap_or(Value::Null);
        let nanos = |pointer: &str| at(pointer).as_f64().unwrap_or(0.0) * 1e9;
        let (qty, price) = (nanos("/order/qty"), nanos("/order/price"));
        let zero = json!({"reserved": 0, "filled": 0, "gross": 0, "open_orders": 0, "orders_last_second": 0});
        let input = json!({"input": {
            "order": at("/order"),
            "context": at("/context"),
            "exposure": zero,
            "amounts": {
                "qty_nanos": qty as i64,
                "price_nanos": price as i64,
                "notional_micros": (qty / 1e9 * price / 1e3) as i64,
                "reserved_micros": 0,
                "filled_micros": 0,
                "gross_micros": 0,
            },
            "now_ns": 0,
        }});
        let request = Request::post(&self.policy)
            .header("content-type", "application/json")
            .body(Full::from(input.to_string()))?;
        let response = self.http.request(request).await;
        let response = response.context("the policy server")?;
        // No answer is no verdict.
        let status = response.status();
        anyhow::ensure!(status.is_success(), "the policy server: {status}");
        let body = response.into_body().collect().await?.to_bytes();
        let verdict: Value = serde_json::from_slice(&body)?;
        Ok(verdict.pointer("/result/allow") == Some(&Value::Bool(true)))
    }

    async fn audit(&self, request: &Value, status: &str) -> anyhow::Result<()> {
        let turn = self.next.get();
        self.next.set(turn.wrapping_add(1));
        let (client, insert) = self
            .pool
            .get(turn % self.pool.len().max(1))
            .context("no database connection")?;
        let order = request
            .pointer("/order/client_order_id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let entry = request.to_string();
        client.execute(insert, &[&order, &status, &entry]).await?;
        Ok(())
    }
}

async fn authorize(body: Bytes, worker: Data<Worker>) -> HttpResponse {
    match worker.decide(&body).await {
        Ok(answer) => HttpResponse::Ok().json(answer),
        Err(err) => HttpResponse::ServiceUnavailable().json(json!({"detail": err.to_string()})),
    }
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let (client, connection) = tokio_postgres::connect(&args.postgres, NoTls)
        .await
        .context("cannot reach PostgreSQL")?;
    let setup = actix_web::rt::spawn(connection);
    client.batch_execute(CREATE).await?;
    drop(client);
    setup.await??;

    let for_workers = args.clone();
    let server = HttpServer::new(move || {
        let args = for_workers.clone();
        App::new()
            .data_factory(move || Worker::connect(args.clone()))
            .route("/v1/authorize", web::post().to(authorize))
    })
    .tcp_nodelay(true)
    .backlog(4096)
    .bind(args.listen)?;
    let addrs = server.addrs();
    let running = server.run();
    if args.until_stdin_closes {
        let handle = running.handle();
        std::thread::spawn(move || {
            let mut rest = Vec::new();
            // An error reads as the end: either way the parent is gone.
            let _ = std::io::stdin().read_to_end(&mut rest);
            drop(handle.stop(true));
        });
    }
    let mut out = std::io::stdout();
    for addr in addrs {
        writeln!(out, "listening on http://{addr}")?;
    }
    out.flush()?;
    running.await?;
    Ok(())
}
