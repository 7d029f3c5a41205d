//! A page of 127.0.0.1 that the program serves, as its own scripts and as others ask it.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::http::{Answer, ask};

/// The address of a page.
pub struct Page {
    /// Address and port.
    pub host: String,
    pub key: String,
}

impl Page {
    /// The page whose address the program prints after these words.
    pub fn announced(child: &mut Child, words: &str) -> Self {
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let address =
            lines.find_map(|line| line.strip_prefix(words)?.strip_prefix("http://").map(String::from));
        let address = address.unwrap_or_else(|| panic!("no address was printed"));
        // What else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let (host, key) = address.trim_end_matches('/').split_once('/').unwrap();
        Self { host: host.into(), key: key.into() }
    }

    pub fn address(&self) -> String {
        format!("http://{}/{}/", self.host, self.key)
    }

    /// A request such as `GET api/state`, with this path below the key.
    fn with_key(&self, request: &str) -> String {
        let (method, path) = request.split_once(' ').unwrap();
        format!("{method} /{}/{path}", self.key)
    }

    /// An answer to a request as the page itself makes it.
    pub fn ask(&self, request: &str, body: &[u8]) -> Answer {
        let (host, origin) = (format!("Host: {}", self.host), format!("Origin: http://{}", self.host));
        ask(&self.host, &self.with_key(request), &[&host, &origin], body)
    }

    /// What the page is told of the painting in progress and the others.
    pub fn state(&self) -> Value {
        serde_json::from_slice(&self.ask("GET api/state", b"").body).unwrap()
    }

    /// Requests of other pages, and those without the key, are refused; those of this one are not.
    pub fn refuses_others(&self, requests: &[&str]) {
        let host = format!("Host: {}", self.host);
        let port = self.host.split(':').nth(1).unwrap();
        let status = |request: &str, headers: &[&str]| ask(&self.host, request, headers, b"").status;
        for request in requests {
            for headers in [
                &["Host: example.com"][..],
                &[],
                &["Host: 127.0.0.1"],
                &[&host, "Host: example.com"],
                &[&host, "Origin: http://example.com"],
                &[&host, "Origin: null"],
                &[&host, "Origin: http://127.0.0.1"],
                &[&host, &format!("Origin: https://{}", self.host)],
            ] {
                assert_eq!(status(&self.with_key(request), headers), 403, "{request} {headers:?}");
            }
            let (method, path) = request.split_once(' ').unwrap();
            let wrong = self.key.chars().rev().collect::<String>();
            for path in
                [format!("/{path}"), format!("/{wrong}/{path}"), format!("/{}0/{path}", self.key), "/".into()]
            {
                assert_eq!(status(&format!("{method} {path}"), &[&host]), 403, "{method} {path}");
            }
        }
        let local = [format!("Host: localhost:{port}"), format!("Origin: http://localhost:{port}")];
        assert_eq!(status(&self.with_key("GET "), &[&local[0], &local[1]]), 200);
    }
}

/// Waits for something, two minutes at most.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "{what} did not come");
        sleep(Duration::from_millis(20));
    }
}
