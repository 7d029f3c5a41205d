//! Chromium through its driver, by the WebDriver protocol.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::http::ask;
use super::page::until;

/// The colours of the picture in progress, as one text; nothing before there is one.
const COLOURS: &str = "
    const canvas = document.getElementById('canvas');
    if (!canvas || !canvas.width || !canvas.height) return '';
    const context = canvas.getContext('2d');
    const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
    return data.some(value => value) ? data.join() : '';";

/// See the module.
pub struct Browser {
    driver: Child,
    host: String,
    session: String,
}

impl Browser {
    /// `None` where there is no Chromium with its driver, unless one is asked for; says that the test is skipped.
    pub fn open() -> Option<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null());
        command.process_group(0);
        let Ok(driver) = command.spawn() else {
            assert!(std::env::var_os("IMPASTO_TEST_BROWSER").is_none(), "chromedriver does not start");
            // Not by a macro, whose words nobody sees of a test that passes.
            let why = "a test in a browser is skipped: no chromedriver; IMPASTO_TEST_BROWSER=1 scripts/test.sh installs it";
            let _ = writeln!(std::io::stderr(), "{why}");
            return None;
        };
        let mut browser = Self { driver, host: format!("127.0.0.1:{port}"), session: String::new() };
        until("the driver", || std::net::TcpStream::connect(&browser.host).ok());
        let arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
        let chrome = json!({ "browserName": "chrome", "goog:chromeOptions": { "args": arguments } });
        let session = browser.post("session", json!({ "capabilities": { "alwaysMatch": chrome } }));
        browser.session = format!("session/{}", session["sessionId"].as_str().unwrap());
        Some(browser)
    }

    fn post(&self, path: &str, body: Value) -> Value {
        let host = format!("Host: {}", self.host);
        let headers = [host.as_str(), "Content-Type: application/json"];
        let answer = ask(&self.host, &format!("POST /{path}"), &headers, body.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        serde_json::from_slice::<Value>(&answer.body).unwrap()["value"].take()
    }

    pub fn go(&self, url: &str) {
        self.post(&format!("{}/url", self.session), json!({ "url": url }));
    }

    pub fn run(&self, script: &str) -> Value {
        self.post(&format!("{}/execute/sync", self.session), json!({ "script": script, "args": [] }))
    }

    /// The colours of the picture that the page shows, as one text that is not `other`.
    pub fn colours_but(&self, other: &str) -> String {
        until("another picture", || {
            self.run(COLOURS).as_str().filter(|now| !now.is_empty() && *now != other).map(String::from)
        })
    }

    /// Waits until a script returns true.
    pub fn waits_for(&self, script: &str) {
        until(script, || (self.run(script) == true).then_some(()));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let host = format!("Host: {}", self.host);
        if !self.session.is_empty() && !std::thread::panicking() {
            ask(&self.host, &format!("DELETE /{}", self.session), &[&host], b"");
        }
        // With the browser, which outlives its driver.
        let group = nix::unistd::Pid::from_raw(self.driver.id() as i32);
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::SIGKILL);
        let _ = self.driver.wait();
    }
}
