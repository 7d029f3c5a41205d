"""A headless Chromium, driven by its DevTools protocol over a pipe. Needs no driver and no package."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# SwiftShader, a GPU on the processor, is what runs WebGPU where there is none.
FLAGS = (
    "--headless=new --no-sandbox --remote-debugging-pipe --no-first-run --disable-background-networking --disable-component-update"
    " --disable-sync --disable-default-apps --disable-dev-shm-usage --enable-unsafe-webgpu --mute-audio"
).split()


class Failed(Exception):
    """What a test found, or a browser that does not answer."""


def find() -> str | None:
    """The browser of this machine; IMPASTO_TEST_CHROMIUM names another."""
    return os.environ.get("IMPASTO_TEST_CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """A browser with one profile, and one tab at a time: the latest that was opened.

    `requests` has the address of each request that a page, a worker or a service worker made, `logs` what they wrote to the
    console.
    """

    def __init__(self, *flags: str) -> None:
        self.profile = tempfile.mkdtemp(prefix="impasto-browser-")
        self.requests: list[str] = []
        self.logs: list[str] = []
        self.downloads = Path(self.profile, "downloads")
        to_browser, from_browser = os.pipe(), os.pipe()
        self.write, self.read = to_browser[1], from_browser[0]

        def pipes() -> None:
            # The protocol is on descriptors 3 and 4, which the pipes may have already.
            there, back = os.dup(to_browser[0]), os.dup(from_browser[1])
            os.dup2(there, 3)
            os.dup2(back, 4)
            os.setsid()

        command = [find() or "chromium", *FLAGS, *flags, f"--user-data-dir={self.profile}/profile", "about:blank"]
        self.process = subprocess.Popen(
            command, preexec_fn=pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(to_browser[0])
        os.close(from_browser[1])
        self.number = 0
        self.answers: dict[int, dict] = {}
        self.sessions: dict[str, str] = {}
        self.arrived = threading.Condition()
        self.ended = False
        self.target = ""
        self.session: str | None = None
        threading.Thread(target=self._listen, daemon=True).start()
        self.call("Target.setAutoAttach", session=None, autoAttach=True, waitForDebuggerOnStart=True, flatten=True)
        self.call("Browser.setDownloadBehavior", session=None, behavior="allow", downloadPath=str(self.downloads))

    def open_tab(self) -> None:
        """Opens an empty tab in place of the present one."""
        old = self.target
        self.target = self.call("Target.createTarget", session=None, url="about:blank")["targetId"]
        with self.arrived:
            if not self.arrived.wait_for(lambda: self.target in self.sessions, 300):
                raise Failed("the browser opens no tab")
        self.session = self.sessions[self.target]
        for domain in ("Page", "DOM"):
            self.call(f"{domain}.enable")
        if old:
            self.call("Target.closeTarget", session=None, targetId=old)

    def _prepare(self, session: str) -> None:
        """Hears of the requests and messages of a page or worker, and of the workers that it starts."""
        self._send("Network.enable", session)
        self._send("Runtime.enable", session)
        self._send("Target.setAutoAttach", session, autoAttach=True, waitForDebuggerOnStart=True, flatten=True)
        self._send("Runtime.runIfWaitingForDebugger", session)

    def _listen(self) -> None:
        rest = b""
        while data := os.read(self.read, 1 << 16):
            *messages, rest = (rest + data).split(b"\0")
            for message in messages:
                self._take(json.loads(message))
        with self.arrived:
            self.ended = True
            self.arrived.notify_all()

    def _take(self, message: dict) -> None:
        method, params = message.get("method"), message.get("params", {})
        if method == "Target.attachedToTarget":
            self._prepare(params["sessionId"])
            with self.arrived:
                self.sessions[params["targetInfo"]["targetId"]] = params["sessionId"]
                self.arrived.notify_all()
        elif method == "Page.javascriptDialogOpening":
            # Whether to leave a page that paints: yes.
            self._send("Page.handleJavaScriptDialog", message.get("sessionId"), accept=True)
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.consoleAPICalled":
            self.logs.append(" ".join(str(a.get("value", a.get("description", ""))) for a in params["args"]))
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.logs.append(details.get("exception", {}).get("description", details["text"]))
        elif "id" in message:
            with self.arrived:
                self.answers[message["id"]] = message
                self.arrived.notify_all()

    def _send(self, method: str, session: str | None, **params: object) -> int:
        with self.arrived:
            self.number += 1
            number = self.number
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self.write, json.dumps(message).encode() + b"\0")
        return number

    def call(self, method: str, seconds: float = 300, session: str | None = "", **params: object) -> dict:
        """Calls a method of the protocol, for the page unless `session` says otherwise."""
        number = self._send(method, self.session if session == "" else session, **params)
        with self.arrived:
            self.arrived.wait_for(lambda: number in self.answers or self.ended, seconds)
            answer = self.answers.pop(number, None)
        if answer is None:
            raise Failed(f"the browser did not answer {method} in {seconds:.0f} s")
        if "error" in answer:
            raise Failed(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def go(self, address: str) -> None:
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script: str, seconds: float = 300) -> object:
        """The value of an expression, or of what it promises."""
        result = self.call("Runtime.evaluate", seconds, expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise Failed(f"{script}: {details.get('exception', {}).get('description', details['text'])}")
        return result["result"].get("value")

    def until(self, script: str, seconds: float = 300) -> None:
        """Waits until an expression is true."""
        end = time.monotonic() + seconds
        # A node of the page comes back as an empty object, which is false in Python.
        while not self.run(f"Promise.resolve({script}).then(Boolean)"):
            if time.monotonic() > end:
                text = self.run("document.body.innerText")
                raise Failed(f"after {seconds:.0f} s it is not so: {script}\nThe page:\n{text}\nThe console:\n" + "\n".join(self.logs))
            time.sleep(0.1)

    def text(self, selector: str) -> str:
        return str(self.run(f"document.querySelector({json.dumps(selector)}).textContent"))

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def choose(self, selector: str, file: Path) -> None:
        """Chooses a file in a file field."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file.resolve())])

    def fill(self, selector: str, value: str) -> None:
        """Gives a field a value as a user does."""
        self.run(
            f"(field => {{ field.value = {json.dumps(value)}; field.dispatchEvent(new Event('input', {{ bubbles: true }})) }})"
            f"(document.querySelector({json.dumps(selector)}))"
        )

    def press(self, key: str, code: int, text: str = "") -> None:
        """Presses a key."""
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def downloaded(self, seconds: float = 300) -> Path:
        """The file that was downloaded next; it is taken away."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for file in self.downloads.glob("*.png"):
                return file.rename(Path(self.profile, f"taken-{time.monotonic_ns()}.png"))
            time.sleep(0.1)
        raise Failed("nothing was downloaded")

    def screenshot(self, file: Path, width: int, dark: bool) -> None:
        """The whole page as a picture."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        time.sleep(0.5)
        height = self.call("Page.getLayoutMetrics")["cssContentSize"]["height"]
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        # A group of its own: all its processes end.
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
