//! One keep-alive connection: at most one request in flight, its bytes out, its response in.

use std::io::{self, Write as _};

use mio::{Registry, Token};

use crate::response::{Response, ResponseReader};
use crate::target::{Stream, Target};
use crate::workload::Request;

/// A request that waits for its response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InFlight {
    pub(crate) request: Request,
    pub(crate) intended_ns: u64,
    pub(crate) sent_ns: u64,
    /// False during warm-up.
    pub(crate) measured: bool,
}

/// How a connection's share of a poll ended.
#[derive(Debug)]
pub(crate) enum Progress {
    /// No complete response yet.
    Pending,
    /// It is established, and a request can be sent.
    Established,
    /// A response is complete; take its body, then call `finish`.
    Response(Response),
    /// The connection can no longer be used.
    Broken(Break),
}

#[derive(Debug)]
pub(crate) enum Break {
    /// Closed by the server, or an error of the socket.
    Connection,
    /// What came is not HTTP.
    Malformed,
}

#[derive(Debug)]
pub(crate) struct Connection {
    token: Token,
    stream: Option<Stream>,
    reader: ResponseReader,
    /// What the send buffer had no room for.
    unsent: Vec<u8>,
    pub(crate) in_flight: Option<InFlight>,
    /// Whether it is not established yet.
    is_connecting: bool,
    /// Whether a response came over it.
    has_answered: bool,
}

impl Connection {
    pub(crate) fn new(token: Token) -> Self {
        Self {
            token,
            stream: None,
            reader: ResponseReader::default(),
            unsent: Vec::new(),
            in_flight: None,
            is_connecting: false,
            has_answered: false,
        }
    }

    /// Whether a response came over it since it was opened.
    pub(crate) fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// Whether it is established, or about to be.
    pub(crate) fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Opens the connection and waits until it is established.
    pub(crate) fn open(&mut self, target: &Target, registry: &Registry) -> io::Result<()> {
        self.take(target.connect()?, registry)
    }

    /// Opens the connection without waiting, since others are being served. False when it is
    /// [`Progress::Established`] by and by, or broken.
    pub(crate) fn reopen(&mut self, target: &Target, registry: &Registry) -> io::Result<bool> {
        self.take(target.connect_soon()?, registry)?;
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        self.is_connecting = !stream.is_established()?;
        if self.is_connecting {
            stream.want_room(registry, self.token, true)?;
        }
        Ok(!self.is_connecting)
    }

    fn take(&mut self, mut stream: Stream, registry: &Registry) -> io::Result<()> {
        self.close();
        stream.register(registry, self.token)?;
        self.stream = Some(stream);
        Ok(())
    }

    /// Closing the descriptor also removes it from the poll.
    pub(crate) fn close(&mut self) {
        self.stream = None;
        self.reader.clear();
        self.unsent.clear();
        self.in_flight = None;
        self.is_connecting = false;
        self.has_answered = false;
    }

    pub(crate) fn send(
        &mut self,
        bytes: &[u8],
        in_flight: InFlight,
        registry: &Registry,
    ) -> Result<(), Break> {
        debug_assert!(self.in_flight.is_none(), "one request at a time");
        let stream = self.stream.as_mut().ok_or(Break::Connection)?;
        self.in_flight = Some(in_flight);
        let sent = match stream.write(bytes) {
            Ok(sent) => sent,
            Err(err) if would_block(&err) => 0,
            Err(_) => return Err(Break::Connection),
        };
        if let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
            self.unsent.extend_from_slice(rest);
            stream
                .want_room(registry, self.token, true)
                .map_err(|_| Break::Connection)?;
        }
        Ok(())
    }

    /// Handles a poll event: sends what is unsent, and reads.
    pub(crate) fn ready(&mut self, registry: &Registry) -> Progress {
        if self.is_connecting {
            return self.establish(registry);
        }
        if !self.unsent.is_empty()
            && let Err(broken) = self.send_rest(registry)
        {
            return Progress::Broken(broken);
        }
        self.receive()
    }

    pub(crate) fn body(&self, response: &Response) -> &[u8] {
        self.reader.body(response)
    }

    /// Discards `response`; false when the connection must not be used again.
    pub(crate) fn finish(&mut self, response: &Response) -> bool {
        self.in_flight = None;
        self.has_answered = true;
        self.reader.consume(response) && response.keep_alive
    }

    fn establish(&mut self, registry: &Registry) -> Progress {
        let Some(stream) = self.stream.as_mut() else {
            return Progress::Pending;
        };
        match stream.is_established() {
            Ok(true) if stream.want_room(registry, self.token, false).is_ok() => {
                self.is_connecting = false;
                Progress::Established
            }
            Ok(false) => Progress::Pending,
            _ => Progress::Broken(Break::Connection),
        }
    }

    fn send_rest(&mut self, registry: &Registry) -> Result<(), Break> {
        let stream = self.stream.as_mut().ok_or(Break::Connection)?;
        while !self.unsent.is_empty() {
            match stream.write(&self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(err) if would_block(&err) => return Ok(()),
                Err(_) => return Err(Break::Connection),
            }
        }
        stream
            .want_room(registry, self.token, false)
            .map_err(|_| Break::Connection)
    }

    /// Reads until a response is complete or nothing is left to read.
    fn receive(&mut self) -> Progress {
        let Some(stream) = self.stream.as_mut() else {
            return Progress::Pending; // An event from before it was closed.
        };
        loop {
            let closed = match self.reader.read_from(stream) {
                Ok(read) => read == 0,
                Err(err) if would_block(&err) => return Progress::Pending,
                Err(_) => return Progress::Broken(Break::Connection),
            };
            if self.in_flight.is_none() {
                // Bytes nobody asked for, or an idle connection that the server closed.
                return Progress::Broken(Break::Connection);
            }
            match self.reader.next(closed) {
                Ok(Some(response)) => return Progress::Response(response),
                Ok(None) if closed => return Progress::Broken(Break::Connection),
                Ok(None) => {}
                Err(_) => return Progress::Broken(Break::Malformed),
            }
        }
    }
}

fn would_block(err: &io::Error) -> bool {
    matches!(
        err.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
