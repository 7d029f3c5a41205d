#!/usr/bin/env python3
"""Tests of the page in headless Chromium. Usage: web/tests/run.py [NAME...]

scripts/web.sh must have built web/dist. Paintings are 48 pixels large and have a few evaluations: SwiftShader, the GPU on the
processor that Chromium brings, takes seconds for each kernel that it compiles. Without Chromium nothing is tested, which it
says. NAME runs the tests with that text in their name.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import zlib
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(Path(__file__).parent)]

from browser import Browser, Failed, find  # noqa: E402
from serve import server  # noqa: E402

DIST = ROOT / "web/dist"
PROGRAM = ROOT / "target/release/impasto"
GOLDEN = ROOT / "tests/golden/gatys-96x64"
# Seconds within which the first kernels are compiled and the first evaluation is done, on two busy cores.
FIRST = 900

tests: list[Callable[[Browser, str], None]] = []


def test(function: Callable[[Browser, str], None]) -> Callable[[Browser, str], None]:
    tests.append(function)
    return function


def require(condition: object, message: str) -> None:
    if not condition:
        raise Failed(message)


def note(png: bytes) -> dict:
    """The settings inside a PNG file, read by no code of the program."""
    require(png.startswith(b"\x89PNG\r\n\x1a\n"), "it is no PNG file")
    at = 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        if kind == b"iTXt" and body.startswith(b"impasto\0"):
            compressed = body[8] == 1
            text = body[10:].split(b"\0", 2)[2]
            return json.loads(zlib.decompress(text) if compressed else text)
        at += 12 + length
    raise Failed("there is no note in the PNG file")


def size(png: bytes) -> tuple[int, int]:
    return struct.unpack(">II", png[16:24])


def open_page(browser: Browser, address: str) -> None:
    browser.go(address)
    browser.until("document.getElementById('about').textContent !== ''", FIRST)


def choose_golden(browser: Browser) -> None:
    browser.choose("#content input", GOLDEN / "content.png")
    browser.choose("#style input", GOLDEN / "style.png")
    browser.until("!document.getElementById('paint').disabled")


def begin(browser: Browser) -> None:
    """Paints what is chosen until its first evaluation is done."""
    browser.click("#paint")
    browser.until(
        "document.querySelector('#jobs li[data-state=painting]') && document.getElementById('progress').value >= 1", FIRST
    )


def stopped(browser: Browser) -> bytes:
    """Stops the painting in progress, and saves it from the gallery."""
    browser.click("#stop")
    browser.until("document.querySelector('#jobs li[data-state=stopped]')", FIRST)
    browser.click("#jobs button[aria-label^=Save]")
    return browser.downloaded().read_bytes()


def axe() -> str | None:
    """axe-core, which scripts/web_test.sh fetches from npm."""
    file = Path(os.environ.get("IMPASTO_WEB_AXE", ""))
    return file.read_text() if file.is_file() else None


def violations(browser: Browser) -> list:
    """What axe finds: pairs of a rule and the elements that break it."""
    # The page's policy lets no script in; the browser's own protocol does.
    browser.run(f"{axe()}; 0")
    return browser.run("axe.run().then(found => found.violations.map(v => [v.id, v.nodes.map(n => n.html)]))")


def check_with_axe(browser: Browser, what: str) -> None:
    """Labels and contrast of the page as it is now, light and dark. Without axe nothing is checked."""
    if axe() is None:
        return
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}]
        browser.call("Emulation.setEmulatedMedia", features=features)
        found = violations(browser)
        require(not found, f"{what}, {scheme}: {found}")


def check_keyboard(browser: Browser, at_least: int) -> None:
    """Tab reaches every control that can be seen, of which there are so many."""
    name = "(e => e.id || e.ariaLabel || e.title || e.outerHTML.slice(0, 60))"
    wanted = browser.run(
        "[...document.querySelectorAll('a[href], button, input, select, summary')]"
        f".filter(e => !e.disabled && e.checkVisibility()).map({name})"
    )
    reached = set()
    for _ in range(len(wanted) + 10):
        browser.press("Tab", 9)
        reached.add(browser.run(f"{name}(document.activeElement)"))
    require(len(wanted) >= at_least, f"only {wanted}")
    require(not set(wanted) - reached, f"not reached: {set(wanted) - reached}")


@test
def the_golden_case_agrees(browser: Browser, address: str) -> None:
    """Losses and gradient of PyTorch, by the page that tests the device."""
    browser.go(f"{address}selftest.html")
    browser.until("!document.getElementById('quick').disabled", FIRST)
    browser.click("#quick")
    browser.until("!document.getElementById('quick').disabled", FIRST)
    lines = browser.text("#lines")
    require("Everything agrees" in browser.text("#status"), f"{browser.text('#status')}\n{lines}")
    require("the losses off by" in lines and "direction of the gradient" in lines, lines)


@test
def a_picture_is_painted_stopped_saved_and_begun_again(browser: Browser, address: str) -> None:
    began = time.monotonic()
    open_page(browser, address)
    choose_golden(browser)
    browser.run("document.getElementById('more').open = true")
    for field, value in (("#size", "48"), ("#seed", "7"), ("#colours", "luminance"), ("#balance", "8"), ("#strokes", "0.7")):
        browser.fill(field, value)
    begin(browser)
    print(f"    from opening to the first evaluation {time.monotonic() - began:.0f} s", flush=True)
    browser.until("document.getElementById('canvas').width === 48 && document.getElementById('canvas').height === 32")
    browser.click("#pause")
    browser.until("document.getElementById('pause').textContent === 'Go on'")
    asked = time.monotonic()
    browser.click("#save")
    early = note(browser.downloaded(FIRST).read_bytes())
    done = browser.run("document.getElementById('progress').value")
    # For this picture it took a step: in twice the time there would be another.
    time.sleep(2 * (time.monotonic() - asked))
    require(browser.run("document.getElementById('progress').value") == done, "a painting that is paused goes on")
    browser.click("#pause")
    browser.until(f"document.getElementById('progress').value > {done}", FIRST)
    browser.until("document.getElementById('curve-total').getAttribute('points').split(' ').length > 2", FIRST)
    png = stopped(browser)
    made = note(png)
    require(size(png) == (48, 32), f"the picture has {size(png)}")
    require(early["settings"] == made["settings"], "the picture so far has other settings")
    wanted = {"size": "48", "seed": "7", "keep-colors": "luminance", "style-scale": "0.7", "init-noise": "0..0.9"}
    found = {name: made["settings"].get(name) for name in wanted}
    require(found == wanted and made["images"] == ["content.png", "style.png"], f"{made}")
    require(made["kernels"], "it does not say which kernels ran")
    browser.run("document.querySelector('#jobs details').open = true")
    check_with_axe(browser, "a finished painting")

    # Another visit takes the settings of the file.
    file = Path(browser.profile, "painted.png")
    file.write_bytes(png)
    open_page(browser, address)
    browser.choose("#content input", file)
    browser.until("document.getElementById('question').open")
    check_with_axe(browser, "a question")
    browser.run("document.querySelector('#question-answers button').click()")
    fields = browser.run("['size', 'seed', 'colours', 'strokes'].map(id => document.getElementById(id).value)")
    require(fields == ["48", "7", "luminance", "0.7"], f"the form has {fields}")
    browser.choose("#style input", GOLDEN / "style.png")
    browser.until("!document.getElementById('paint').disabled")
    begin(browser)
    again = note(stopped(browser))["settings"]
    require(again == made["settings"], f"other settings: {again} instead of {made['settings']}")


@test
def what_does_not_fit_asks_first(browser: Browser, address: str) -> None:
    open_page(browser, address)
    choose_golden(browser)
    browser.fill("#size", "4000")
    browser.click("#paint")
    browser.until("document.querySelector('#jobs li[data-state=asks]')", FIRST)
    text = browser.text("#jobs li")
    offered = browser.run("document.querySelector('#jobs button[aria-label^=\"Paint at\"]').textContent")
    pixels = int("".join(c for c in str(offered) if c.isdigit()))
    require(100 < pixels < 4000 and "GPU" in text, f"{offered}: {text}")
    check_with_axe(browser, "a painting that asks")
    browser.click("#jobs button[aria-label^=Remove]")
    browser.until("document.getElementById('works').hidden")
    # More than WebAssembly has memory for.
    browser.fill("#size", "16384")
    browser.click("#paint")
    browser.until("document.querySelector('#jobs li[data-state=asks]')", FIRST)
    require("million pixels" in browser.text("#jobs li"), browser.text("#jobs li"))


@test
def a_damaged_file_is_named(browser: Browser, address: str) -> None:
    open_page(browser, address)
    broken = Path(browser.profile, "broken.jpg")
    broken.write_bytes((ROOT / "assets/content-cat.jpg").read_bytes()[:2000])
    browser.choose("#content input", broken)
    browser.until("document.querySelector('#content .facts.wrong')")
    require("broken.jpg" in browser.text("#content .facts"), browser.text("#content .facts"))
    require(browser.run("document.getElementById('paint').disabled"), "it can be painted")
    # Nor is the picture shown that was there before.
    browser.choose("#content input", GOLDEN / "content.png")
    browser.until("document.querySelector('#content.full')")
    browser.choose("#content input", broken)
    browser.until("document.querySelector('#content .facts.wrong') && !document.querySelector('#content.full')")


@test
def it_works_offline_after_the_first_visit(browser: Browser, _: str) -> None:
    serving = server(str(DIST), 0)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{serving.server_port}/"
    open_page(browser, address)
    browser.until("navigator.serviceWorker.controller")
    browser.until("caches.keys().then(names => names.some(name => name.startsWith('impasto-page-')))")
    serving.shutdown()
    serving.server_close()
    open_page(browser, address)
    browser.click("#content .samples button")
    browser.until("document.querySelector('#content.full')")


@test
def browsers_that_lack_something_are_told(browser: Browser, address: str) -> None:
    # Whatever flags a version of Chromium has for it, the page sees a browser without it.
    for hide, words in (
        ("delete Navigator.prototype.gpu", "no WebGPU"),
        ("delete WebAssembly.Suspending", "JSPI"),
        ("GPU.prototype.requestAdapter = async () => null", "no GPU"),
        ("Object.defineProperty(self, 'isSecureContext', { value: false })", "secure connection"),
    ):
        browser.open_tab()
        browser.call("Page.addScriptToEvaluateOnNewDocument", source=hide)
        before = len(browser.requests)
        browser.go(address)
        browser.until("!document.getElementById('refusal').hidden")
        text = browser.text("#refusal")
        require(words in text, text)
        require(len(browser.text("#refusal-remedy")) > 40, "no remedy")
        require(not any(".wasm" in request for request in browser.requests[before:]), "the engine is loaded in vain")


@test
def every_control_is_reached_by_keyboard(browser: Browser, address: str) -> None:
    open_page(browser, address)
    choose_golden(browser)
    browser.run("document.getElementById('more').open = true")
    check_keyboard(browser, 15)
    browser.run("document.getElementById('balance').focus()")
    browser.press("ArrowRight", 39)
    require(browser.run("document.getElementById('balance').value") == "5.5", "the arrow keys do not move the balance")


@test
def axe_finds_nothing(browser: Browser, address: str) -> None:
    if axe() is None:
        print("    skipped: axe-core is not here (npm fetches it: see scripts/web_test.sh)", flush=True)
        return
    open_page(browser, address)
    # All parts at once, even those that never are.
    browser.run("for (const id of ['stage', 'refusal', 'like']) document.getElementById(id).hidden = false")
    browser.run("document.getElementById('more').open = true")
    for id in ("refusal-message", "refusal-remedy", "like-text"):
        browser.run(f"document.getElementById('{id}').textContent = 'What it says'")
    check_with_axe(browser, "the page")
    browser.go(f"{address}selftest.html")
    check_with_axe(browser, "the test of the GPU")
    # A checker must be able to fail.
    browser.run("document.body.insertAdjacentHTML('beforeend', '<img src=icon.svg>')")
    browser.run("Object.assign(document.getElementById('status').style, { color: '#777', background: '#666' })")
    found = violations(browser)
    require({"image-alt", "color-contrast"} <= {kind for kind, _ in found}, f"axe misses a picture without words: {found}")


@test
def the_studio_is_fit_for_all(browser: Browser, _: str) -> None:
    """The same page with the program behind it: labels, contrast, keyboard."""
    if not PROGRAM.is_file():
        print(f"    skipped: {PROGRAM.relative_to(ROOT)} is not built", flush=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [PROGRAM, "studio", "--no-open", "--no-tune", "--folder", folder]
        studio = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            address = next(line.split()[-1] for line in studio.stderr if "http://" in line)
            threading.Thread(target=studio.stderr.read, daemon=True).start()
            open_page(browser, address)
            choose_golden(browser)
            browser.fill("#size", "48")
            browser.run("document.getElementById('more').open = true")
            check_with_axe(browser, "the studio")
            begin(browser)
            check_with_axe(browser, "a painting in the studio")
            check_keyboard(browser, 18)
            browser.click("#stop")
            browser.until("document.querySelector('#jobs li[data-state=stopped]')", FIRST)
            browser.run("document.querySelector('#jobs details').open = true")
            check_with_axe(browser, "the gallery of the studio")
            check_keyboard(browser, 18)
            studio.kill()
            browser.until("!document.getElementById('refusal').hidden")
            require("Start it again" in browser.text("#refusal"), browser.text("#refusal"))
            check_with_axe(browser, "a studio that has ended")
        finally:
            studio.kill()
            studio.wait()


@test
def nothing_is_asked_from_elsewhere(browser: Browser, address: str) -> None:
    """What all tests before this one asked for, and what the policy does with a page that would ask for more."""
    # The browser's own bars are pages of the scheme chrome.
    own = ("http://127.0.0.1:", "blob:", "about:", "data:", "chrome:")
    foreign = [request for request in browser.requests if not request.startswith(own)]
    require(not foreign, f"the page asks for {foreign}")
    browser.go(address)
    reached = browser.run("fetch('https://example.com/').then(() => true, () => false)")
    image = browser.run("new Promise(done => Object.assign(new Image(), { onerror: () => done(false), onload: () => done(true), src: 'https://example.com/x.png' }))")
    require(not reached and not image, "the policy lets requests out")
    blocked = browser.run("new Promise(done => { addEventListener('securitypolicyviolation', event => done(event.effectiveDirective)); fetch('https://example.com/').catch(() => {}) })")
    require(blocked == "connect-src", f"it is not the policy that stops them: {blocked}")
    for part in ("page.js", "worker.js", ".wasm", "sw.js"):
        require(any(part in request for request in browser.requests), f"the watch does not see the request for {part}")


@test  # The last one: Chromium does without a GPU after some such faults.
def a_lost_device_is_told_and_replaced(browser: Browser, address: str) -> None:
    open_page(browser, address)
    choose_golden(browser)
    browser.fill("#size", "48")
    begin(browser)
    browser.call("Browser.crashGpuProcess", session=None)
    browser.until("document.querySelector('#jobs li[data-state=failed]')", FIRST)
    text = browser.text("#jobs li .wrong")
    require("took the GPU away" in text and "Paint again" in text, text)
    # As it says.
    begin(browser)


def main(names: list[str]) -> int:
    if find() is None:
        print("The tests of the page are skipped: no Chromium (on Debian the package chromium).")
        return 0
    if not (DIST / "files.js").exists():
        print("error: there is no web/dist: scripts/web.sh builds it.")
        return 1
    serving = server(str(DIST), 0)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{serving.server_port}/"
    passed, failed = 0, []
    chosen = [function for function in tests if not names or any(name in function.__name__ for name in names)]
    # One profile: what the tuner found out need not be found out in each test.
    with Browser() as browser:
        for function in chosen:
            began = time.monotonic()
            try:
                browser.open_tab()
                function(browser, address)
                passed += 1
                print(f"ok      {function.__name__} ({time.monotonic() - began:.0f} s)", flush=True)
            except Exception as error:  # noqa: BLE001
                failed.append(function.__name__)
                print(f"FAILED  {function.__name__} ({time.monotonic() - began:.0f} s): {error}", flush=True)
                if not isinstance(error, Failed):
                    traceback.print_exc()
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
