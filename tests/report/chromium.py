"""A headless Chromium that opens a file and tells what it drew, what it logged and what it asked the network for.

Spoken over the DevTools protocol, whose messages are JSON on a websocket: Page, Runtime, Log and Network domains.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)
START_S, ANSWER_S = 60.0, 60.0


def find() -> str:
    """Path of Chromium; the test is skipped where there is none."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    pytest.skip(f"no {' or '.join(NAMES)} on this machine: install one to see the report drawn")


class Browser:
    """One page of a headless Chromium with a profile of its own.

    Attributes
    ----------
    requests : list of str
        Every address asked for.
    messages : list of str
        Every console message of any level, uncaught exception and log entry.
    """

    def __init__(self, profile: Path, width: int = 1280, height: int = 1000) -> None:
        websocket = pytest.importorskip("websocket", reason="websocket-client is not installed")
        self.requests: list[str] = []
        self.messages: list[str] = []
        self._number = 0
        self._loaded = False
        command = [find(), *FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}", "about:blank"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self._socket = websocket.create_connection(self._page_address(profile), timeout=ANSWER_S)
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(f"{domain}.enable")
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(timeout=20)

    def open(self, file: Path) -> None:
        """Open a file, and return when it is loaded and its scripts have run."""
        self._loaded = False
        self.call("Page.navigate", url=file.resolve().as_uri())
        end = time.monotonic() + ANSWER_S
        while not self._loaded:
            assert time.monotonic() < end, "the page did not load"
            self._take(json.loads(self._socket.recv()))
        # Two frames: what the load started is drawn.
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def window(self, width: int, height: int) -> None:
        """Set the size of the window [px]."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def point(self, element: str) -> tuple[float, float]:
        """Bring an element into view, given as a JavaScript expression, and return the place of its middle [px]."""
        self.value(f"({element}).scrollIntoView({{block: 'center', behavior: 'instant'}})")
        box = self.value(
            f"(e => {{const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]}})({element})"
        )
        return box[0] + box[2] / 2, box[1] + box[3] / 2

    def hover(self, element: str) -> None:
        """Move the mouse over an element."""
        x, y = self.point(element)
        for step in (3, 0):
            self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x + step, y=y)

    def click(self, element: str) -> None:
        """Click an element."""
        x, y = self.point(element)
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    def wait_for(self, condition: str) -> None:
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + ANSWER_S
        while not self.value(f"Boolean({condition})"):
            assert time.monotonic() < end, f"never true: {condition}"
            time.sleep(0.05)

    def value(self, expression: str) -> Any:
        """Return the JSON value of a JavaScript expression, awaited if it is a promise."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def call(self, method: str, **params: Any) -> Any:
        """Send one command and return its result; events that arrive in between are kept."""
        self._number += 1
        number = self._number
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        method, params = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requests.append(params["url"])
        elif method == "Runtime.consoleAPICalled":
            self.messages.append(f"{params['type']}: {params['args']}")
        elif method == "Runtime.exceptionThrown":
            self.messages.append(f"exception: {params['exceptionDetails']}")
        elif method == "Log.entryAdded":
            self.messages.append(f"{params['entry']['level']}: {params['entry']['text']}")
        elif method == "Page.javascriptDialogOpening":
            self.messages.append(f"dialog: {params['message']}")
        elif method == "Page.loadEventFired":
            self._loaded = True

    def _page_address(self, profile: Path) -> str:
        port_file = profile / "DevToolsActivePort"
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self._process.poll() is not None:
                pytest.fail(f"Chromium ended with code {self._process.returncode} before it could be asked anything")
            try:
                port = int(port_file.read_text().split()[0])
                # No proxy of the environment stands between this process and its own child.
                direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                with direct.open(f"http://127.0.0.1:{port}/json", timeout=5) as answer:
                    pages = json.load(answer)
                return next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
            except (OSError, ValueError, IndexError, StopIteration):
                time.sleep(0.1)
        pytest.fail(f"Chromium did not offer its debugging port within {START_S:.0f} s")
