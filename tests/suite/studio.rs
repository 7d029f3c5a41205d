//! The studio: what its server takes and refuses, its queue and gallery, and its page in a real browser.
#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Stdio};

use crate::common::browser::Browser;
use crate::common::http::{Answer, ask};
use crate::common::page::{Page, until};
use crate::common::test_folder::{SHALLOW, TestFolder};
use impasto::image_io::Image;
use serde_json::{Value, json};

/// A studio in the folder `studio` of a test folder.
struct Studio {
    folder: TestFolder,
    child: Child,
    page: Page,
}

impl Studio {
    fn begin() -> Self {
        Self::of(TestFolder::new())
    }

    fn of(folder: TestFolder) -> Self {
        let mut process = folder.process("studio --no-open --no-tune --folder @studio");
        let mut child = process.stderr(Stdio::piped()).spawn().unwrap();
        let page = Page::announced(&mut child, "studio: ");
        Self { folder, child, page }
    }

    /// The body of a request with these files of the test folder.
    fn upload(&self, mut head: Value, files: &[(&str, &str)]) -> Vec<u8> {
        let read = |path: &str| std::fs::read(self.folder.path(path)).unwrap();
        head["files"] =
            files.iter().map(|(name, path)| json!({ "name": name, "size": read(path).len() })).collect();
        let mut body = format!("{head}\n").into_bytes();
        files.iter().for_each(|(_, path)| body.extend(read(path)));
        body
    }

    /// Puts a painting of the two images of the test folder into the queue.
    fn add(&self, name: &str, iterations: usize) -> Answer {
        let settings = small(iterations);
        let body = self
            .upload(json!({ "settings": settings }), &[(name, "content.png"), ("style.png", "style.png")]);
        self.page.ask("POST api/add", &body)
    }

    fn jobs(&self) -> Vec<Value> {
        self.page.state()["jobs"].as_array().unwrap().clone()
    }

    /// The states of all paintings, oldest first.
    fn states(&self) -> Vec<String> {
        self.jobs().iter().map(|job| job["state"].as_str().unwrap().into()).collect()
    }

    fn waits_for(&self, states: &[&str]) {
        until(&format!("{states:?}"), || (self.states() == states).then_some(()));
    }

    /// It ends as by Ctrl-C, and another begins in the same folder.
    fn restarts(mut self) -> Self {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.child.id() as i32), nix::sys::signal::SIGINT)
            .unwrap();
        assert!(until("the end", || self.child.try_wait().unwrap()).success());
        Self::of(std::mem::replace(&mut self.folder, TestFolder::new()))
    }

    fn picture(&self, name: &str) -> std::path::PathBuf {
        self.folder.path("studio").join(name)
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Settings of a small painting.
fn small(iterations: usize) -> Value {
    let mut options = SHALLOW.split(' ').map(|word| word.trim_start_matches("--"));
    let mut settings =
        json!({ "size": "32", "scales": "1", "optimizer": "adam", "iterations": iterations.to_string() });
    while let (Some(name), Some(value)) = (options.next(), options.next()) {
        settings[name] = value.into();
    }
    settings
}

fn error_of(answer: &Answer) -> String {
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    told["error"].as_str().unwrap().into()
}

/// More evaluations than any test waits for.
const ENDLESS: usize = 1_000_000;

#[test]
fn paintings_wait_are_painted_in_order_and_are_there_after_a_restart() {
    let studio = Studio::begin();
    assert_eq!(studio.add("first.png", ENDLESS).status, 200);
    assert_eq!(studio.add("second.png", 3).status, 200);
    assert_eq!(studio.add("third.png", 2).status, 200);
    studio.waits_for(&["painting", "waiting", "waiting"]);
    assert_eq!(studio.page.state()["progress"]["id"], "1");
    // The picture so far goes to the gallery, and the next is painted.
    assert_eq!(studio.page.ask("POST api/stop", b"").status, 200);
    studio.waits_for(&["stopped", "done", "done"]);
    let jobs = studio.jobs();
    let facts = |k: usize, name: &str| jobs[k][name].clone();
    assert_eq!((facts(1, "name"), facts(1, "evaluations")), ("second".into(), 3.into()));
    assert_eq!((facts(1, "width"), facts(1, "height")), (32.into(), 26.into()));
    // All its settings, as the picture has them.
    let note: Value = serde_json::from_str(&Image::note(studio.picture("second.png")).unwrap()).unwrap();
    assert_eq!(
        (&note["settings"], &note["images"]),
        (&facts(1, "settings"), &json!(["second.png", "style.png"]))
    );
    assert_eq!(
        studio.page.ask("GET api/picture/2.png", b"").body,
        std::fs::read(studio.picture("second.png")).unwrap()
    );
    let preview = format!("GET {}", facts(1, "preview").as_str().unwrap());
    assert!(studio.page.ask(&preview, b"").body.starts_with(b"\x89PNG"));
    // What only an unfinished painting needs is gone.
    assert!(!studio.picture("paintings/2/0").exists());

    let studio = studio.restarts();
    assert_eq!(studio.jobs(), jobs);
    let remove =
        |id: &str| studio.page.ask("POST api/remove", format!("{{\"id\":\"{id}\"}}\n").as_bytes()).status;
    assert_eq!((remove("2"), remove("2"), remove("../1")), (200, 404, 404));
    assert_eq!(studio.states().len(), 2);
    assert!(studio.picture("second.png").exists(), "a picture belongs to the user");
}

#[test]
fn a_painting_in_progress_is_paused_saved_and_painted_again_after_an_end() {
    let studio = Studio::begin();
    studio.add("a.png", ENDLESS);
    studio.waits_for(&["painting"]);
    until("an image", || (studio.page.ask("GET api/picture.png", b"").status == 200).then_some(()));
    assert_eq!(studio.page.ask("POST api/pause", b"").status, 200);
    studio.waits_for(&["paused"]);
    let saved = studio.folder.path("saved.png");
    std::fs::write(&saved, studio.page.ask("POST api/save", b"").body).unwrap();
    assert!(Image::note(&saved).unwrap().contains("a.png"));
    // An image that Impasto painted brings its settings.
    let body = studio.upload(json!({}), &[("saved.png", "saved.png")]);
    let look = studio.page.ask("POST api/look", &body).body;
    let line = look.split(|byte| *byte == b'\n').next().unwrap();
    let known: Value = serde_json::from_slice(line).unwrap();
    assert_eq!((&known["width"], &known["made"]["settings"]["size"]), (&32.into(), &"32".into()));
    assert!(look[line.len() + 1..].starts_with(b"\x89PNG"));
    // The end of the program is no end of the painting.
    let studio = studio.restarts();
    studio.waits_for(&["painting"]);
    studio.page.ask("POST api/stop", b"");
    studio.waits_for(&["stopped"]);
    assert!(studio.picture("a.png").exists());
}

#[test]
fn nobody_else_may_ask_and_bad_requests_are_refused() {
    let studio = Studio::begin();
    studio.page.refuses_others(&[
        "GET ",
        "GET api/state",
        "POST api/add",
        "POST api/remove",
        "POST api/stop",
    ]);
    let files = [("content.png", "content.png"), ("style.png", "style.png")];
    let refused = |head: Value, files: &[(&str, &str)], status: u16, word: &str| {
        let answer = studio.page.ask("POST api/add", &studio.upload(head, files));
        let error = error_of(&answer);
        assert!(answer.status == status && error.contains(word), "{}: {error}", answer.status);
    };
    let settings = |json: Value| json!({ "settings": json });
    for name in ["../a.png", "/etc/passwd", "..\\a.png", "..", "a\u{0}.png", ""] {
        refused(settings(json!({})), &[(name, "content.png"), files[1]], 400, "no name of a file");
        let look = studio.page.ask("POST api/look", &studio.upload(json!({}), &[(name, "content.png")]));
        assert_eq!(look.status, 400, "{name:?}");
    }
    refused(settings(json!({})), &files[..1], 400, "1 to 8 styles");
    refused(settings(json!({ "size": "x" })), &files, 400, "size");
    refused(settings(json!({ "sise": "64" })), &files, 400, "does not know");
    refused(settings(json!({ "init": "/etc/passwd" })), &files, 400, "name a file");
    refused(settings(json!({ "style-weights": "1,2" })), &files, 400, "--style-weights has 2 numbers");
    let mut cut = studio.upload(settings(json!({})), &files);
    cut.truncate(cut.len() - 1);
    assert_eq!(
        error_of(&studio.page.ask("POST api/add", &cut)),
        "The upload was cut off (unexpected end of file): try again."
    );
    assert_eq!(studio.page.ask("POST api/add", b"nonsense\n").status, 400);
    let text = studio.page.ask("POST api/look", b"{\"files\":[{\"name\":\"a.png\",\"size\":5}]}\nhello");
    assert!(text.status == 422 && error_of(&text).contains("a.png"), "{}", error_of(&text));
    for path in [
        "GET api/picture/1.png",
        "GET api/picture/..%2f..%2fa.png",
        "GET api/picture/../../x.png",
        "GET api/preview/",
    ] {
        assert_eq!(studio.page.ask(path, b"").status, 404, "{path}");
    }
    // None of it left anything behind.
    assert!(studio.jobs().is_empty());
    let left =
        std::fs::read_dir(studio.picture("paintings")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["lock"]);
    assert!(!Path::new("/a.png").exists());
}

/// The answer comes before the upload does.
#[test]
fn huge_uploads_are_refused() {
    let studio = Studio::begin();
    let host = format!("Host: {}", studio.page.host);
    let path = format!("POST /{}/api/add", studio.page.key);
    let answer = ask(&studio.page.host, &path, &[&host, "Content-Length: 99999999999"], b"");
    assert_eq!((answer.status, error_of(&answer).contains("the studio takes 512")), (413, true));
    let body = b"{\"settings\":{},\"files\":[{\"name\":\"a.png\",\"size\":300000000},{\"name\":\"b.png\",\"size\":1}]}\n";
    let answer = studio.page.ask("POST api/add", body);
    assert_eq!((answer.status, error_of(&answer).contains("a.png has 287 MiB")), (413, true));
    assert!(studio.jobs().is_empty());
}

#[test]
fn a_painting_that_cannot_be_is_told_and_the_next_is_painted() {
    let studio = Studio::begin();
    std::fs::write(studio.folder.path("text.png"), "no image").unwrap();
    let body = studio
        .upload(json!({ "settings": small(2) }), &[("text.png", "text.png"), ("style.png", "style.png")]);
    assert_eq!(studio.page.ask("POST api/add", &body).status, 200);
    studio.add("content.png", 2);
    studio.waits_for(&["failed", "done"]);
    let error = studio.jobs()[0]["error"].as_str().unwrap().to_string();
    assert!(error.starts_with("text.png: ") && !error.contains("paintings"), "{error}");
}

#[test]
fn one_folder_has_one_studio() {
    let studio = Studio::begin();
    let again = format!("studio --no-open --folder {}", studio.picture("").display());
    let output = studio.folder.command(&again).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && error.contains("another studio uses this folder"), "{error}");
    let port = studio.page.host.split(':').nth(1).unwrap();
    let taken =
        studio.folder.command(&format!("studio --no-open --folder @other --port {port}")).output().unwrap();
    assert!(String::from_utf8(taken.stderr).unwrap().contains("is taken"));
}

/// Drops a file of the server's samples on a part of the page.
const DROP: &str = "
    const drop = async (id, name) => {
        const blob = await (await fetch(`samples/${name}`)).blob();
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([blob], name, { type: 'image/jpeg' }));
        const target = document.querySelector(`#${id} .drop`);
        target.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    };
    return Promise.all([drop('content', 'content-cat.jpg'), drop('style', 'style-swirl.jpg')]).then(() => true);";

#[test]
fn a_real_browser_drops_two_files_paints_saves_and_stops() {
    let Some(browser) = Browser::open() else { return };
    let studio = Studio::begin();
    browser.go(&studio.page.address());
    browser.waits_for("return !document.getElementById('form').hidden && document.getElementById('about').textContent !== ''");
    assert_eq!(browser.run(DROP), true);
    browser.waits_for("return !document.getElementById('paint').disabled");
    browser.run("document.getElementById('size').value = '64'; document.getElementById('size').dispatchEvent(new Event('input'))");
    browser.run("document.getElementById('paint').click()");
    browser.colours_but(&browser.colours_but(""));
    // What the button hands to the user.
    browser.run(
        "const make = URL.createObjectURL;
        URL.createObjectURL = blob => {
            blob.arrayBuffer().then(bytes => window.saved = [...new Uint8Array(bytes.slice(0, 4))]);
            return make.call(URL, blob);
        };
        HTMLAnchorElement.prototype.click = function () { window.savedAs = this.download; };
        document.getElementById('save').click()",
    );
    browser.waits_for("return Boolean(window.saved)");
    let saved = browser.run("return [window.savedAs, ...window.saved]");
    assert_eq!(saved, json!(["content-cat-so-far.png", 0x89, 80, 78, 71]));
    browser.run("document.getElementById('stop').click()");
    studio.waits_for(&["stopped"]);
    browser.waits_for("return document.querySelector('#jobs li').dataset.state === 'stopped'");
    browser.waits_for("const image = document.querySelector('#jobs img'); return image.complete && image.naturalWidth === 64");
    assert!(Image::note(studio.picture("content-cat.png")).unwrap().contains("\"size\":\"64\""));
}
