"""Headless Chromium by its DevTools protocol: as much of it as the tests of pages need."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "headless-shell")
START = 30.0  # seconds in which it must have started
PHONE, DESKTOP = 400, 1400


def why_no_browser() -> str:
    """Why pages cannot be opened here; nothing if they can."""
    if not any(map(shutil.which, NAMES)):
        return f"no browser: none of {', '.join(NAMES)} is installed"
    try:
        import websockets  # noqa: F401
    except ImportError:
        return "no websockets: pip install '.[test]'"
    return ""


class Browser:
    """One tab: open a page, run an expression, look at it."""

    def __init__(self, socket: Any) -> None:
        self._socket, self._number = socket, 0
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """One command and its answer; what happens meanwhile is kept."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": arguments}))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message.get("id") == self._number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                result: dict[str, Any] = message["result"]
                return result
            self.events.append(message)

    def open(self, path: Path, width: int = DESKTOP, scheme: str = "light", height: int = 900) -> None:
        """A page as it is laid out at a width, in a colour scheme; what it did before is forgotten."""
        phone = width <= PHONE
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        end = time.monotonic() + START
        while not any(e["method"] == "Page.loadEventFired" for e in self.events):
            if time.monotonic() > end:
                raise TimeoutError(path)
            self.evaluate("new Promise(done => setTimeout(done, 20))")

    def evaluate(self, expression: str) -> Any:
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return found["result"].get("value")

    def complaints(self) -> list[str]:
        """What a person would see in the console."""
        said = [e for e in self.events if e["method"] in ("Log.entryAdded", "Runtime.exceptionThrown")]
        said += [e for e in self.events if e["method"] == "Runtime.consoleAPICalled"]
        return [json.dumps(e["params"]) for e in said]

    def requests(self) -> list[str]:
        """What was fetched."""
        sent = [e for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return [e["params"]["request"]["url"] for e in sent]

    def accessibility(self) -> list[tuple[str, str]]:
        """Role and name of every node of the accessibility tree."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [
            (str(n.get("role", {}).get("value", "")), str(n.get("name", {}).get("value", "")))
            for n in nodes
            if not n.get("ignored")
        ]

    def screenshot(self, path: Path) -> None:
        """The whole page."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=self._whole())
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self) -> bytes:
        """The page as it is printed."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=False)["data"])

    def _whole(self) -> dict[str, float]:
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}


@contextmanager
def browser(flags: Sequence[str] = ()) -> Iterator[Browser]:
    """Start it with a profile of its own, and end it."""
    from websockets.sync.client import connect

    program = next(filter(None, map(shutil.which, NAMES)))
    with tempfile.TemporaryDirectory() as profile:
        command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
        command += [f"--user-data-dir={profile}", *flags, "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with connect(_address(Path(profile)), max_size=None) as socket:
                yield Browser(socket)
        finally:
            process.terminate()
            process.wait(timeout=START)


def _address(profile: Path) -> str:
    """Where its tab listens."""
    from urllib.request import urlopen

    end = time.monotonic() + START
    while time.monotonic() < end:
        told = profile / "DevToolsActivePort"
        if told.exists() and told.read_text().strip():
            port = told.read_text().split()[0]
            tabs = json.load(urlopen(f"http://127.0.0.1:{port}/json/list"))
            pages = [tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"]
            if pages:
                return str(pages[0])
        time.sleep(0.05)
    raise TimeoutError("the browser did not start")
