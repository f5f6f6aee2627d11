//! Bare actix-web: takes the request body, answers a fixed one. The ceiling that the sidecar is
//! measured against, tuned as the sidecar is: no Nagle, one worker per core, body as `Bytes`.
//!
//! Prints `listening on http://ADDR` once bound. Ends on SIGTERM, on SIGINT, or, with
//! `--until-stdin-closes`, when its standard input does, so that it never outlives its parent.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer, web};
use clap::Parser;

/// Bare actix-web answering a fixed body.
#[derive(Parser)]
struct Args {
    /// Address to listen on; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Listen on this Unix socket as well.
    #[arg(long)]
    uds: Option<PathBuf>,
    /// Size of the fixed response body, in bytes.
    #[arg(long, default_value_t = 1024)]
    body_bytes: usize,
    /// Worker threads; the number of cores when not given.
    #[arg(long)]
    workers: Option<usize>,
    /// Stop when standard input reaches its end.
    #[arg(long)]
    until_stdin_closes: bool,
}

async fn answer(request: Bytes, body: Data<Bytes>) -> HttpResponse {
    // The request is taken whole, as the sidecar takes it, and not looked at.
    drop(request);
    HttpResponse::Ok()
        .content_type("application/json")
        .body(Bytes::clone(&body))
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let body = Data::new(fixed_body(args.body_bytes));
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(Data::clone(&body))
            .app_data(web::PayloadConfig::new(16 * 1024))
            .route("/v1/authorize", web::post().to(answer))
            .default_service(web::to(answer))
    })
    .tcp_nodelay(true)
    .backlog(4096)
    .bind(args.listen)?;
    if let Some(path) = &args.uds {
        server = server.bind_uds(path)?;
    }
    if let Some(workers) = args.workers {
        server = server.workers(workers);
    }
    let mut out = std::io::stdout();
    for addr in server.addrs() {
        writeln!(out, "listening on http://{addr}")?;
    }
    out.flush()?;
    let running = server.run();
    if args.until_stdin_closes {
        let handle = running.handle();
        std::thread::spawn(move || {
            let mut rest = Vec::new();
            // An error reads as the end: either way the parent is gone.
            let _ = std::io::stdin().read_to_end(&mut rest);
            // The future is polled by the server; a graceful stop needs no one to wait for it.
            drop(handle.stop(true));
        });
    }
    running.await?;
    Ok(())
}

/// A JSON object of exactly `size` bytes (at least 11).
fn fixed_body(size: usize) -> Bytes {
    let padding = "x".repeat(size.saturating_sub(r#"{"body":""}"#.len()));
    Bytes::from(format!(r#"{{"body":"{padding}"}}"#))
}
