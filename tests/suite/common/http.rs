//! As much of an HTTP client as tests of the live view and of a browser's driver need.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// An answer's status and body.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends one request to `host`, an address with its port. `headers` are whole lines; Host is one of them.
pub fn ask(host: &str, request: &str, headers: &[&str], body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(host).unwrap();
    let mut head = format!("{request} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|line| line.starts_with("Content-Length:")) {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    headers.iter().for_each(|line| head += &format!("{line}\r\n"));
    write!(stream, "{head}\r\n").unwrap();
    stream.write_all(body).unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap().parse().unwrap();
    let (mut length, mut chunked) = (0, false);
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let header = line.trim().to_lowercase();
        match header.split_once(':').map(|(name, value)| (name, value.trim())) {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(("transfer-encoding", value)) => chunked = value == "chunked",
            _ if header.is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![];
    match chunked {
        false => drop(reader.take(length).read_to_end(&mut body).unwrap()),
        true => while chunk(&mut reader, &mut body) {},
    }
    Answer { status, body }
}

/// Reads one chunk of a body; false after the last.
fn chunk(reader: &mut impl BufRead, body: &mut Vec<u8>) -> bool {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let length = u64::from_str_radix(line.trim(), 16).unwrap();
    reader.by_ref().take(length).read_to_end(body).unwrap();
    reader.read_line(&mut line).unwrap();
    length > 0
}
