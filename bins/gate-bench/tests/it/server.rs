//! A small HTTP server for tests, one thread per connection, whose answers a script decides.

use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Given the number of the request, writes the answer; false closes the connection.
pub(crate) type Script = dyn Fn(u64, &str, &mut dyn Write) -> bool + Send + Sync;

/// Serves until the process ends. One request at a time is answered, whatever the number of
/// connections: a script that stalls stalls them all.
pub(crate) fn serve(script: Box<Script>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let script: Arc<Script> = Arc::from(script);
    let turn = Arc::new(Mutex::new(()));
    let number = Arc::new(AtomicU64::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (script, turn, number) = (script.clone(), turn.clone(), number.clone());
            std::thread::spawn(move || answer(&stream.unwrap(), &*script, &turn, &number));
        }
    });
    addr
}

/// Writes a response with a body.
pub(crate) fn respond(out: &mut dyn Write, status: u16, body: &str) -> bool {
    let length = body.len();
    out.write_all(
        format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes(),
    )
    .is_ok()
}

fn answer(stream: &TcpStream, script: &Script, turn: &Mutex<()>, number: &AtomicU64) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(body) = read_request(&mut reader) {
        let _turn = turn.lock().unwrap();
        let number = number.fetch_add(1, Ordering::SeqCst);
        if !script(number, &body, &mut &*stream) {
            return;
        }
    }
}

/// The body of the next request.
pub(crate) fn read_request(reader: &mut BufReader<&TcpStream>) -> Option<String> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            return Some(String::from_utf8(body).unwrap());
        }
    }
}
