//! The live view: what it serves, to whom, and what its buttons do.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::http::{Answer, ask};
use crate::common::test_folder::{SHALLOW, TestFolder, log_lines};
use impasto::image_io::Image;
use serde_json::{Value, json};

/// A painting that does not end by itself, and its view.
struct Painting {
    folder: TestFolder,
    child: Child,
    host: String,
}

const LINE: &str = "paint @content.png @style.png -o @out.png --view -q --size 48 --scales 1 \
                    --iterations 1000000 --optimizer adam";

impl Painting {
    fn begin() -> Self {
        Self::of(TestFolder::new(), &format!("{LINE} {SHALLOW}"))
    }

    /// A command with a view, in this folder.
    fn of(folder: TestFolder, line: &str) -> Self {
        let mut child = folder.process(line).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let address = lines.find_map(|line| line.strip_prefix("view: http://").map(String::from)).unwrap();
        // What else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { folder, child, host: address.trim_end_matches('/').into() }
    }

    /// An answer to a request as the page itself makes it.
    fn ask(&self, request: &str) -> Answer {
        let (host, origin) = (format!("Host: {}", self.host), format!("Origin: http://{}", self.host));
        ask(&self.host, request, &[&host, &origin], "")
    }

    /// What the page knows besides the picture.
    fn state(&self) -> Value {
        serde_json::from_slice(&self.ask("GET /state").body).unwrap()
    }

    /// A picture that is not `other`.
    fn picture_but(&self, other: &[u8]) -> Vec<u8> {
        until("another picture", || {
            let answer = self.ask("GET /picture.png");
            (answer.status == 200 && answer.body != other).then_some(answer.body)
        })
    }

    /// It ends as by Ctrl-C.
    fn ends(&mut self) {
        let code = until("the end", || self.child.try_wait().unwrap()).code();
        assert_eq!(code, Some(130));
    }

    /// It ends as by Ctrl-C, with its picture.
    fn ends_with_its_picture(&mut self) {
        self.ends();
        assert_eq!(Image::load(self.folder.path("out.png")).unwrap().width(), 48);
    }
}

impl Drop for Painting {
    fn drop(&mut self) {
        // It is long gone, unless the test failed.
        let _ = self.child.kill();
    }
}

/// Waits for something, a minute at most.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{what} did not come");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_page_sees_the_picture_change_saves_and_stops() {
    let mut painting = Painting::begin();
    let page = painting.ask("GET /").text();
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("lang=\"en\""));
    assert!(
        !page.contains("http:") && !page.contains("https:"),
        "the page asks for something from elsewhere"
    );
    let first = painting.picture_but(&[]);
    let second = painting.picture_but(&first);
    assert!(first.starts_with(b"\x89PNG") && second.starts_with(b"\x89PNG"));
    let state = painting.state();
    assert!(state["done"].as_u64().unwrap() > 1 && state["total"] == 1_000_000, "{state}");
    assert!(state["points"][1][1].as_f64().unwrap() > 0.0, "{state}");
    assert_eq!(painting.ask("POST /save").status, 200);
    let saved = until("the saved picture", || {
        let mut files = std::fs::read_dir(painting.folder.root()).unwrap().map(|file| file.unwrap().path());
        files.find(|file| file.file_name().unwrap().to_string_lossy().starts_with("out-"))
    });
    assert_eq!(Image::load(saved).unwrap().width(), 48);
    assert_eq!(painting.ask("POST /stop").status, 200);
    painting.ends_with_its_picture();
}

#[test]
fn nobody_else_may_ask() {
    let mut painting = Painting::begin();
    let host = format!("Host: {}", painting.host);
    let port = painting.host.split(':').nth(1).unwrap();
    let local = [format!("Host: localhost:{port}"), format!("Origin: http://localhost:{port}")];
    let status = |request: &str, headers: &[&str]| ask(&painting.host, request, headers, "").status;
    for path in ["GET /", "GET /state", "GET /picture.png", "POST /stop", "POST /save"] {
        for headers in [
            &["Host: example.com"][..],
            &[],
            &["Host: 127.0.0.1"],
            &[&host, "Host: example.com"],
            &[&host, "Origin: http://example.com"],
            &[&host, "Origin: null"],
            &[&host, "Origin: http://127.0.0.1"],
            &[&host, &format!("Origin: https://{}", painting.host)],
        ] {
            assert_eq!(status(path, headers), 403, "{path} {headers:?}");
        }
    }
    assert_eq!(status("GET /", &[&local[0], &local[1]]), 200);
    for (request, code) in [("GET /stop", 405), ("GET /save", 405), ("POST /", 405), ("GET /../x", 404)] {
        assert_eq!(status(request, &[&host]), code, "{request}");
    }
    // None of the refused requests stopped it.
    assert!(painting.child.try_wait().unwrap().is_none());
    assert_eq!(status("POST /stop", &[&host]), 200);
    painting.ends_with_its_picture();
}

/// So many contents that some are left when the first is done, however fast the device is.
#[test]
fn a_batch_shows_one_picture_after_the_other_and_stops() {
    let folder = TestFolder::new();
    std::fs::create_dir(folder.path("in")).unwrap();
    (10..50).for_each(|k| folder.image(&format!("in/{k}.png"), 40, 32));
    let line = "batch @in @style.png -o @out --view -q --size 32 --scales 1 --iterations 100";
    let mut painting = Painting::of(folder, &format!("{line} --optimizer adam {SHALLOW}"));
    let name = |painting: &Painting| painting.state()["name"].as_str().unwrap().to_string();
    let first = until("the first picture", || Some(name(&painting)).filter(|name| !name.is_empty()));
    assert!(first.contains(" of 40: ") && first.ends_with(".png"), "{first}");
    painting.picture_but(&[]);
    until("the next picture", || Some(name(&painting)).filter(|name| *name != first));
    assert_eq!(painting.state()["total"], 100);
    painting.picture_but(&[]);
    assert_eq!(painting.ask("POST /stop").status, 200);
    painting.ends();
    let whole = (10..50).filter(|k| painting.folder.path(&format!("out/{k}.png")).exists()).count();
    assert!((1..40).contains(&whole), "{whole} of 40 are finished");
}

#[test]
fn a_painting_that_goes_on_can_be_watched() {
    let mut painting =
        Painting::of(TestFolder::new(), &format!("{LINE} --checkpoint @out.ck --log @log.jsonl {SHALLOW}"));
    painting.picture_but(&[]);
    assert_eq!(painting.ask("POST /stop").status, 200);
    painting.ends_with_its_picture();
    let done = log_lines(&painting.folder.path("log.jsonl")).len();
    let folder = std::mem::replace(&mut painting.folder, TestFolder::new());
    let mut painting = Painting::of(folder, "resume @out.ck --view");
    painting.picture_but(&[]);
    // Its curves begin where the first run ended.
    assert!(done > 0 && painting.state()["points"][0][0].as_u64().unwrap() >= done as u64);
    assert_eq!(painting.ask("POST /stop").status, 200);
    painting.ends_with_its_picture();
}

/// Chromium through its driver, by the WebDriver protocol.
struct Browser {
    driver: Child,
    host: String,
    session: String,
}

impl Browser {
    /// `None` where there is no Chromium with its driver.
    fn open() -> Option<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null());
        let driver = command.spawn().ok()?;
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
        let answer = ask(&self.host, &format!("POST /{path}"), &headers, &body.to_string());
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        serde_json::from_slice::<Value>(&answer.body).unwrap()["value"].take()
    }

    fn go(&self, url: &str) {
        self.post(&format!("{}/url", self.session), json!({ "url": url }));
    }

    fn run(&self, script: &str) -> Value {
        self.post(&format!("{}/execute/sync", self.session), json!({ "script": script, "args": [] }))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let host = format!("Host: {}", self.host);
        if !self.session.is_empty() && !std::thread::panicking() {
            ask(&self.host, &format!("DELETE /{}", self.session), &[&host], "");
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The colours of the picture that the page shows, as one text; nothing before there is one.
const COLOURS: &str = "
    const image = document.getElementById('image');
    if (!image.naturalWidth) return '';
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, canvas.width, canvas.height).data.join();";

#[test]
fn a_real_browser_sees_the_picture_change_and_stops() {
    let Some(browser) = Browser::open() else {
        assert!(std::env::var_os("IMPASTO_TEST_BROWSER").is_none(), "chromedriver does not start");
        // Not by a macro, whose words nobody sees of a test that passes.
        let why = "the test in a browser is skipped: no chromedriver; IMPASTO_TEST_BROWSER=1 scripts/test.sh installs it";
        writeln!(std::io::stderr(), "{why}").unwrap();
        return;
    };
    let mut painting = Painting::begin();
    browser.go(&format!("http://{}/", painting.host));
    let colours = |other: &str| {
        until("another picture", || {
            browser.run(COLOURS).as_str().filter(|now| !now.is_empty() && *now != other).map(String::from)
        })
    };
    colours(&colours(""));
    let curve = browser.run("return document.getElementById('total').getAttribute('points')");
    assert!(curve.as_str().unwrap().split(' ').count() > 1, "{curve}");
    // A page from elsewhere can neither read the view nor stop it.
    browser.go("data:text/html,<p>elsewhere");
    let url = format!("http://{}", painting.host);
    let foreign =
        format!("return fetch('{url}/stop', {{ method: 'POST' }}).then(() => 'read', () => 'refused')");
    assert_eq!(browser.run(&foreign), "refused");
    assert!(painting.child.try_wait().unwrap().is_none());
    browser.go(&url);
    browser.run("document.getElementById('stop').click()");
    painting.ends_with_its_picture();
}
