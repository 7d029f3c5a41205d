//! As much of HTTP/1.1 as a page of this machine needs: one request a connection, each in a thread of its own.
//!
//! Browsers open connections ahead of requests and keep them. A server with a fixed number of threads for connections would
//! have all of them wait for requests that never come.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Bytes of a request line and its headers.
const LONGEST_HEAD: u64 = 32 << 10;
/// Connections at a time; a browser opens six.
const MOST_CONNECTIONS: usize = 200;
/// How long a connection may be silent.
const SILENCE: Duration = Duration::from_secs(60);
/// How long what a client still sends after its answer is read, so that it reads the answer.
const REST: Duration = Duration::from_secs(2);

/// A server on a port of 127.0.0.1.
pub struct Http {
    listener: TcpListener,
    port: u16,
    ends: AtomicBool,
    connections: AtomicUsize,
}

/// Names and values.
type Headers = Vec<(String, String)>;

/// A request whose body is not read yet.
pub struct Request {
    method: String,
    target: String,
    headers: Headers,
    stream: TcpStream,
    body: io::Take<BufReader<TcpStream>>,
    length: Option<u64>,
}

impl Http {
    /// Takes a port; 0 is a free one.
    ///
    /// # Errors
    /// If it is taken.
    pub fn bind(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port, ends: AtomicBool::new(false), connections: AtomicUsize::new(0) })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Hands requests to `answer`, until [`end`](Self::end).
    pub fn serve(self: &Arc<Self>, answer: impl Fn(Request) + Send + Sync + 'static) {
        let answer = Arc::new(answer);
        for stream in self.listener.incoming() {
            if self.ends.load(Ordering::Relaxed) {
                return;
            }
            let Ok(stream) = stream else { continue };
            if self.connections.fetch_add(1, Ordering::Relaxed) >= MOST_CONNECTIONS {
                self.connections.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let (http, answer) = (self.clone(), answer.clone());
            std::thread::spawn(move || {
                // Otherwise it was closed without a request, or what it sent is none.
                if let Ok(Some(request)) = Request::read(stream) {
                    answer(request);
                }
                http.connections.fetch_sub(1, Ordering::Relaxed);
            });
        }
    }

    /// Makes [`serve`](Self::serve) return.
    pub fn end(&self) {
        self.ends.store(true, Ordering::Relaxed);
        // It waits for a connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Request {
    /// Reads the head of a request; nothing for a connection that is closed unused.
    fn read(stream: TcpStream) -> io::Result<Option<Self>> {
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let Some((first, headers)) = read_head(&mut reader)? else { return Ok(None) };
        let [method, target, _version] = first.split(' ').collect::<Vec<_>>()[..] else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let (method, target) = (method.to_string(), target.to_string());
        let mut request = Self { method, target, headers, stream, body: reader.take(0), length: None };
        let length =
            match (&request.values("Content-Length")[..], request.values("Transfer-Encoding").is_empty()) {
                ([], true) => Some(0),
                ([length], true) => length.parse().ok(),
                _ => None,
            };
        request.body.set_limit(length.unwrap_or(0));
        request.length = length;
        Ok(Some(request))
    }

    pub fn method(&self) -> &str {
        &self.method
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The values of all headers of this name.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// Bytes of the body; `None` if the request does not tell.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The body, to be read once.
    pub fn body(&mut self) -> &mut dyn BufRead {
        if self.values("Expect").iter().any(|value| value.eq_ignore_ascii_case("100-continue")) {
            // A client that does not get it sends the body after a while.
            let _ = self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        &mut self.body
    }

    /// Sends the answer and closes the connection.
    pub fn respond(mut self, status: u16, headers: &[(&str, &str)], body: &[u8]) {
        let mut head = format!("HTTP/1.1 {status} {}\r\nConnection: close\r\n", reason(status));
        head += &format!("Content-Length: {}\r\n", body.len());
        headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
        head += "\r\n";
        // Fails if the page was closed: nothing to do.
        let sent = self.stream.write_all(head.as_bytes()).and_then(|()| self.stream.write_all(body));
        if sent.is_ok() && self.stream.shutdown(Shutdown::Write).is_ok() {
            self.finish();
        }
    }

    /// Reads what the client still sends for a moment: a connection that is closed on it loses the answer.
    fn finish(mut self) {
        let began = Instant::now();
        let _ = self.stream.set_read_timeout(Some(REST));
        let mut rest = [0; 1 << 16];
        while began.elapsed() < REST && self.body.get_mut().read(&mut rest).is_ok_and(|n| n > 0) {}
    }
}

/// The first line and the headers; nothing at the end of the stream.
fn read_head(reader: &mut impl BufRead) -> io::Result<Option<(String, Headers)>> {
    let mut left = LONGEST_HEAD;
    let mut line = || -> io::Result<Option<String>> {
        let mut bytes = vec![];
        left -= reader.take(left).read_until(b'\n', &mut bytes)? as u64;
        match bytes.last() {
            None => Ok(None),
            Some(b'\n') => {
                let text = String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData)?;
                Ok(Some(text.trim_end_matches(['\r', '\n']).to_string()))
            }
            // Too long, or cut off.
            Some(_) => Err(io::ErrorKind::InvalidData.into()),
        }
    };
    let Some(first) = line()? else { return Ok(None) };
    let mut headers = vec![];
    loop {
        match line()? {
            Some(line) if line.is_empty() => return Ok(Some((first, headers))),
            Some(line) => {
                let (name, value) = line.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
                headers.push((name.to_string(), value.trim().to_string()));
            }
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        411 => "Length Required",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_and_bounded() {
        let read = |text: &str| read_head(&mut text.as_bytes());
        let (first, headers) = read("GET /a HTTP/1.1\r\nHost: b:1\r\nX:\r\n\r\nrest").unwrap().unwrap();
        assert_eq!(first, "GET /a HTTP/1.1");
        assert_eq!(headers, [("Host".to_string(), "b:1".to_string()), ("X".into(), String::new())]);
        assert!(read("").unwrap().is_none());
        for bad in ["GET /", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nnonsense\r\n\r\n", "GET /\r\nHost: a"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
        assert!(read(&format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(40_000))).is_err());
        let many = "X: y\r\n".repeat(10_000);
        assert!(read(&format!("GET / HTTP/1.1\r\n{many}\r\n")).is_err());
    }
}
