//! Where the server is: a TCP address or a Unix socket, and how to connect to it.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use mio::event::Source;
use mio::{Interest, Registry, Token};

/// The server under load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Over TCP; `host` is what the `Host` header says.
    Tcp {
        /// The address connected to.
        addr: SocketAddr,
        /// Host and port as the caller wrote them.
        host: String,
    },
    /// Over a Unix socket.
    Unix(PathBuf),
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

impl Target {
    /// Host and port of `http://HOST:PORT` (or `HOST:PORT`), as they stand there.
    ///
    /// # Errors
    /// When it is no such URL.
    pub fn host_of(url: &str) -> anyhow::Result<&str> {
        let rest = match url.split_once("://") {
            Some(("http", rest)) => rest,
            Some((scheme, _)) => anyhow::bail!("scheme `{scheme}` is not spoken here, only http"),
            None => url,
        };
        let host = rest.trim_end_matches('/');
        anyhow::ensure!(
            !host.contains(['/', '?', '#', '@']),
            "give `{url}` without a path, a query or a user"
        );
        anyhow::ensure!(!host.is_empty(), "`{url}` names no host");
        Ok(host)
    }

    /// Reads `http://HOST:PORT` (or `HOST:PORT`).
    ///
    /// # Errors
    /// When it is no such URL or the name does not resolve.
    pub fn from_url(url: &str) -> anyhow::Result<Self> {
        let host = Self::host_of(url)?;
        // The colons of an IPv6 address stand in brackets (RFC 3986 §3.2.2).
        let after_address = host.rsplit_once(']').map_or(host, |(_, after)| after);
        let named = if after_address.contains(':') {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let addr = named
            .to_socket_addrs()
            .map_err(|err| anyhow::anyhow!("`{named}`: {err}"))?
            .next()
            .ok_or_else(|| anyhow::anyhow!("`{named}` has no address"))?;
        Ok(Self::Tcp {
            addr,
            host: host.to_owned(),
        })
    }

    /// What the `Host` header says.
    #[must_use]
    pub fn host(&self) -> &str {
        match self {
            Self::Tcp { host, .. } => host,
            Self::Unix(_) => "localhost",
        }
    }

    /// `tcp` or `unix`.
    #[must_use]
    pub fn transport(&self) -> &'static str {
        match self {
            Self::Tcp { .. } => "tcp",
            Self::Unix(_) => "unix",
        }
    }

    /// A connected, non-blocking stream without Nagle's delay.
    pub(crate) fn connect(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp { addr, .. } => {
                let stream = TcpStream::connect_timeout(addr, CONNECT_TIMEOUT)?;
                stream.set_nodelay(true)?;
                stream.set_nonblocking(true)?;
                Ok(Stream::Tcp(mio::net::TcpStream::from_std(stream)))
            }
            Self::Unix(_) => self.connect_soon().map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock => io::Error::other("nobody takes connections there"),
                _ => error,
            }),
        }
    }

    /// A stream that is connected or connecting. A Unix socket connects or fails at once: if nobody
    /// accepted, the system would wait without end.
    pub(crate) fn connect_soon(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp { addr, .. } => {
                let stream = mio::net::TcpStream::connect(*addr)?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Self::Unix(path) => Ok(Stream::Unix(mio::net::UnixStream::connect(path)?)),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, .. } => write!(f, "http://{host}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A non-blocking stream of either kind.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(mio::net::TcpStream),
    Unix(mio::net::UnixStream),
}

impl Stream {
    pub(crate) fn register(&mut self, to: &Registry, token: Token) -> io::Result<()> {
        self.source().register(to, token, Interest::READABLE)
    }

    /// Asks to hear of room in the send buffer, or no longer.
    pub(crate) fn want_room(&mut self, to: &Registry, token: Token, want: bool) -> io::Result<()> {
        let interest = if want {
            Interest::READABLE.add(Interest::WRITABLE)
        } else {
            Interest::READABLE
        };
        self.source().reregister(to, token, interest)
    }

    /// Whether it is connected, and not only connecting.
    pub(crate) fn is_established(&self) -> io::Result<bool> {
        let Self::Tcp(stream) = self else {
            return Ok(true);
        };
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(stream) => stream,
            Self::Unix(stream) => stream,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buf),
            Self::Unix(stream) => stream.read(buf),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(buf),
            Self::Unix(stream) => stream.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_host_over_plain_http_without_a_path() {
        let target = Target::from_url("http://127.0.0.1:8080/").unwrap();
        assert_eq!(target.host(), "127.0.0.1:8080");
        assert_eq!(target.to_string(), "http://127.0.0.1:8080");
        assert_eq!(Target::from_url("127.0.0.1:8080").unwrap(), target);
        let v6 = Target::from_url("http://[::1]").unwrap();
        let Target::Tcp { addr, .. } = v6 else {
            unreachable!()
        };
        assert_eq!(addr.to_string(), "[::1]:80");
        for wrong in [
            "https://127.0.0.1:1",
            "http://127.0.0.1:1/v1",
            "http://127.0.0.1:1?x=1",
            "http://",
        ] {
            assert!(Target::host_of(wrong).is_err(), "{wrong}");
        }
    }
}
