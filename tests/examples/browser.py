"""A headless Chromium, driven over its debugging pipe.

For http_page.py.  Commands and events are those of the DevTools protocol, as
JSON with a zero byte after each: https://chromedevtools.github.io.
"""
import base64
import json
import queue
import shutil
import subprocess
import threading
import time

# The browser has the pipes as 3 and 4, and what it prints goes nowhere.
PIPES = 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1'

# It is given nothing but a page of ours, and it may run as root.
OPTIONS = ["--headless", "--remote-debugging-pipe", "--no-sandbox",
           "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
           "--disable-background-networking", "--no-proxy-server",
           "about:blank"]


class BrowserError(Exception):
    pass


def find_browser():
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """One page of a fresh profile in `folder`."""

    def __init__(self, folder, seconds):
        self.seconds = seconds
        self.process = subprocess.Popen(
            ["sh", "-c", PIPES, "sh", find_browser(),
             f"--user-data-dir={folder}", *OPTIONS],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.count = 0
        self.session = {}
        self.complaints = []  # of the page's console
        self.loaded = False
        self.messages = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        self.attach()

    def read(self):
        rest = b""
        while part := self.process.stdout.read1(65536):
            *whole, rest = (rest + part).split(b"\0")
            for message in whole:
                self.messages.put(json.loads(message))
        self.messages.put(None)

    def attach(self):
        targets = self.do("Target.getTargets")["targetInfos"]
        (page,) = [is_ for is_ in targets if is_["type"] == "page"]
        session = self.do("Target.attachToTarget", flatten=True,
                          targetId=page["targetId"])["sessionId"]
        self.session = {"sessionId": session}
        for domain in ("Page", "Runtime", "Log"):
            self.do(domain + ".enable")

    def do(self, method, **parameters):
        """What comes back for a command."""
        self.count += 1
        command = {"id": self.count, "method": method, "params": parameters}
        self.process.stdin.write(
            json.dumps({**command, **self.session}).encode() + b"\0")
        self.process.stdin.flush()
        while (message := self.next_message()).get("id") != self.count:
            self.take_event(message)
        if "error" in message:
            raise BrowserError(f"{method}: {message['error']}")
        return message["result"]

    def next_message(self):
        try:
            message = self.messages.get(timeout=self.seconds)
        except queue.Empty:
            raise BrowserError("the browser does not answer") from None
        if message is None:
            raise BrowserError("the browser has ended")
        return message

    def take_event(self, event):
        method, what = event.get("method"), event.get("params", {})
        if method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(what["exceptionDetails"])
        elif method == "Log.entryAdded":
            # Where no page names an icon, as plain text cannot, it looks for
            # one all the same.
            if not what["entry"].get("url", "").endswith("/favicon.ico"):
                self.complaints.append(what["entry"])

    def open(self, url):
        self.loaded = False
        self.do("Page.navigate", url=url)
        self.wait_until("document.readyState == 'complete'")
        while not self.loaded:
            self.take_event(self.next_message())

    def ask(self, expression):
        """The value of an expression in the page."""
        said = self.do("Runtime.evaluate", expression=expression,
                       returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in said:
            raise BrowserError(f"{expression}: {said['exceptionDetails']}")
        return said["result"].get("value")

    def wait_until(self, expression):
        last = time.monotonic() + self.seconds
        while not self.ask(expression):
            if time.monotonic() > last:
                raise BrowserError(f"it never comes that {expression}")
            time.sleep(0.02)

    def look(self, width, height, colours="light"):
        """Make the window so large, for somebody who likes light or dark."""
        self.do("Emulation.setDeviceMetricsOverride", width=width,
                height=height, deviceScaleFactor=1, mobile=width < 500)
        self.do("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": colours}])

    def allow_scripts(self, allowed):
        self.do("Emulation.setScriptExecutionDisabled", value=not allowed)

    def picture(self):
        """All of the page, as PNG."""
        size = self.do("Page.getLayoutMetrics")["cssContentSize"]
        shot = self.do("Page.captureScreenshot", captureBeyondViewport=True,
                       clip={**size, "scale": 1})
        return base64.b64decode(shot["data"])

    def end(self):
        self.process.kill()
        self.process.wait()
