"""A real browser, driven by tests through the pipe that it takes commands by."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_START_S = 60


class Page:
    """A page that is open in the browser."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._number, self._buffer, self._session = 0, b"", ""
        self.requests: list[str] = []
        """The addresses that the page asked for."""
        self.errors: list[str] = []
        """What the browser says of it: exceptions, refused scripts."""

    def open(self, address: str) -> None:
        """Open an address in a new page, and wait until it is loaded."""
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        attached = self._send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._send(f"{domain}.enable")
        self._send("Page.navigate", url=address)
        self.evaluate(
            "new Promise(done => document.readyState === 'complete' ? done() "
            ": addEventListener('load', done))"
        )

    def evaluate(self, expression: str) -> Any:
        """Return the value of JavaScript in the page."""
        answer = self._send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key, as a person does."""
        codes = {"Tab": 9, "Enter": 13, " ": 32}
        text = {"Enter": "\r", " ": " "}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            self._send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                windowsVirtualKeyCode=codes[key],
                **({"text": text} if text and kind == "keyDown" else {}),
            )

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._number:
            self._note_event(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            part = os.read(self._read, 1 << 16)
            assert part, "the browser has ended"
            self._buffer += part
        text, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(text)

    def _note_event(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        if event["method"] == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        if event["method"] == "Runtime.exceptionThrown":
            self.errors.append(str(parameters["exceptionDetails"]))
        if event["method"] == "Log.entryAdded":
            self.errors.append(parameters["entry"]["text"])


@contextmanager
def open_browser(folder: Path) -> Generator[Page]:
    """Yield a page of a browser whose own files lie in `folder`; skip where there is none."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("there is no chromium to look in")
    from_test, to_test = os.pipe(), os.pipe()
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
    options += [f"--user-data-dir={folder / 'profile'}", "--disable-dev-shm-usage"]
    # The browser reads commands from descriptor 3 and writes answers to 4.
    script = f'exec "$@" 3<&{from_test[0]} 4>&{to_test[1]}'
    process = subprocess.Popen(
        ["bash", "-c", script, "browser", browser, *options],
        pass_fds=(from_test[0], to_test[1]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(from_test[0])
    os.close(to_test[1])
    try:
        yield Page(from_test[1], to_test[0])
    finally:
        os.close(from_test[1])
        process.terminate()
        process.wait(timeout=_START_S)
        os.close(to_test[0])
