//! The page of `--view`: what it serves, to whom, and what its buttons do.
#![cfg(unix)]

use std::process::{Child, Stdio};

use crate::common::browser::Browser;
use crate::common::http::Answer;
use crate::common::page::{Page, until};
use crate::common::test_folder::{SHALLOW, TestFolder, log_lines};
use impasto::image_io::Image;
use serde_json::Value;

/// A painting that does not end by itself, and its view.
struct Painting {
    folder: TestFolder,
    child: Child,
    page: Page,
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
        let page = Page::announced(&mut child, "view: ");
        Self { folder, child, page }
    }

    fn ask(&self, request: &str) -> Answer {
        self.page.ask(request, b"")
    }

    /// How far the painting is; null before it begins.
    fn progress(&self) -> Value {
        self.page.state()["progress"].clone()
    }

    /// A picture that is not `other`.
    fn picture_but(&self, other: &[u8]) -> Vec<u8> {
        until("another picture", || {
            let answer = self.ask("GET api/picture.png");
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

#[test]
fn the_page_sees_the_picture_change_pauses_saves_and_stops() {
    let mut painting = Painting::begin();
    let page = painting.ask("GET ").text();
    assert!(page.contains("lang=\"en\"") && page.contains("page.js"));
    assert!(
        !page.contains("http:") && !page.contains("https:"),
        "the page asks for something from elsewhere"
    );
    let info: Value = serde_json::from_slice(&painting.ask("GET api/info").body).unwrap();
    assert_eq!((&info["can"]["add"], &info["can"]["pause"]), (&false.into(), &true.into()));
    let first = painting.picture_but(&[]);
    let second = painting.picture_but(&first);
    assert!(first.starts_with(b"\x89PNG") && second.starts_with(b"\x89PNG"));
    let progress = painting.progress();
    assert!(progress["done"].as_u64().unwrap() > 1 && progress["total"] == 1_000_000, "{progress}");
    assert!(progress["points"][1][1].as_f64().unwrap() > 0.0, "{progress}");
    assert_eq!(painting.page.state()["jobs"][0]["state"], "painting");
    // Paused it stands still, and is saved all the same.
    assert_eq!(painting.ask("POST api/pause").status, 200);
    let done = || painting.progress()["done"].as_u64().unwrap();
    until("a pause", || {
        let before = done();
        std::thread::sleep(std::time::Duration::from_millis(700));
        (done() == before).then_some(())
    });
    assert_eq!(painting.page.state()["jobs"][0]["state"], "paused");
    let saved = painting.folder.path("saved.png");
    std::fs::write(&saved, painting.ask("POST api/save").body).unwrap();
    assert_eq!(Image::load(&saved).unwrap().width(), 48);
    assert!(Image::note(&saved).unwrap().contains("content.png"));
    let before = done();
    assert_eq!(painting.ask("POST api/resume").status, 200);
    until("an evaluation after the pause", || (done() > before).then_some(()));
    assert_eq!(painting.ask("POST api/stop").status, 200);
    painting.ends_with_its_picture();
}

#[test]
fn nobody_else_may_ask() {
    let mut painting = Painting::begin();
    painting.page.refuses_others(&[
        "GET ",
        "GET api/state",
        "GET api/picture.png",
        "POST api/stop",
        "POST api/save",
    ]);
    for (request, code) in [
        ("GET api/stop", 404),
        ("DELETE api/stop", 405),
        ("POST index.html", 405),
        ("GET ../Cargo.toml", 404),
        ("GET samples/../../Cargo.toml", 404),
        ("POST api/add", 409),
    ] {
        assert_eq!(painting.ask(request).status, code, "{request}");
    }
    // None of the refused requests stopped it.
    assert!(painting.child.try_wait().unwrap().is_none());
    assert_eq!(painting.ask("POST api/stop").status, 200);
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
    let name = |painting: &Painting| painting.page.state()["jobs"][0]["name"].as_str().map(String::from);
    let first = until("the first picture", || name(&painting));
    assert!(first.contains(" of 40: ") && first.ends_with(".png"), "{first}");
    painting.picture_but(&[]);
    until("the next picture", || name(&painting).filter(|name| *name != first));
    painting.picture_but(&[]);
    assert_eq!(painting.progress()["total"], 100);
    assert_eq!(painting.ask("POST api/stop").status, 200);
    painting.ends();
    let whole = (10..50).filter(|k| painting.folder.path(&format!("out/{k}.png")).exists()).count();
    assert!((1..40).contains(&whole), "{whole} of 40 are finished");
}

#[test]
fn a_painting_that_goes_on_can_be_watched() {
    let mut painting =
        Painting::of(TestFolder::new(), &format!("{LINE} --checkpoint @out.ck --log @log.jsonl {SHALLOW}"));
    painting.picture_but(&[]);
    assert_eq!(painting.ask("POST api/stop").status, 200);
    painting.ends_with_its_picture();
    let done = log_lines(&painting.folder.path("log.jsonl")).len();
    let folder = std::mem::replace(&mut painting.folder, TestFolder::new());
    let mut painting = Painting::of(folder, "resume @out.ck --view");
    painting.picture_but(&[]);
    // Its curves begin where the first run ended.
    assert!(done > 0 && painting.progress()["points"][0][0].as_u64().unwrap() >= done as u64);
    assert_eq!(painting.ask("POST api/stop").status, 200);
    painting.ends_with_its_picture();
}

#[test]
fn a_real_browser_sees_the_picture_change_and_stops() {
    let Some(browser) = Browser::open() else { return };
    let mut painting = Painting::begin();
    browser.go(&painting.page.address());
    browser.colours_but(&browser.colours_but(""));
    let points = "document.getElementById('curve-total').getAttribute('points')";
    browser.waits_for(&format!("return {points}.split(' ').length > 1"));
    // A page that only watches takes no pictures.
    assert_eq!(browser.run("return document.getElementById('form').hidden"), true);
    // A page from elsewhere can neither read the view nor stop it.
    browser.go("data:text/html,<p>elsewhere");
    let foreign = format!(
        "return fetch('{}api/stop', {{ method: 'POST' }}).then(() => 'read', () => 'refused')",
        painting.page.address()
    );
    assert_eq!(browser.run(&foreign), "refused");
    assert!(painting.child.try_wait().unwrap().is_none());
    browser.go(&painting.page.address());
    browser.colours_but("");
    browser.run("document.getElementById('stop').click()");
    painting.ends_with_its_picture();
}
