"""Starts a layer's extension in a root that has nothing but /opt and /proc in it; tells how large it is, how
long it takes to register and how much memory it has at rest.

Without /proc, which a function always has, it may end at once on a busy machine: where work waits, Dispatch
reads what state its threads are in, and ends the process where it cannot.

Fails where a bound is passed.
"""
import ctypes
import http.server
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import urllib.request

layer, path = sys.argv[1:]
MB = 1_000_000
BOUNDS = {"unpacked": 60 * MB, "zipped": 25 * MB, "resident": 40 << 20, "registered": 0.1}


class API(http.server.BaseHTTPRequestHandler):
    """Extensions as they see Lambda, whose next event comes when it is time to end."""

    protocol_version = "HTTP/1.1"
    registered, ending, names = threading.Event(), threading.Event(), []

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Lambda-Extension-Identifier", "1")
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        API.names.append(self.headers["Lambda-Extension-Name"])
        API.at = time.monotonic()
        API.registered.set()
        self.answer(b"{}")

    def do_GET(self):
        API.ending.wait()
        self.answer(b'{"eventType":"SHUTDOWN","shutdownReason":"SPINDOWN","deadlineMs":null}')

    def log_message(self, *_):
        pass


libc = ctypes.CDLL(None, use_errno=True)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), API)
threading.Thread(target=server.serve_forever, daemon=True).start()
environment = {
    "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}", "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
    "AWS_LAMBDA_FUNCTION_NAME": "alone", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "LARDER_GATEWAY": "127.0.0.1:0",
}
failed = []


def become(root):
    """Turns this process into the extension, in a mount namespace of its own of which others see nothing."""
    libc.unshare(0x20000)
    libc.mount(b"none", b"/", None, 0x44000, None)
    libc.mount(b"/proc", (root + "/proc").encode(), None, 0x5000, None)
    os.chroot(root)
    os.chdir("/")
    os.execve("/opt/extensions/larder", ["/opt/extensions/larder"], environment)


def run():
    """Starts it and ends it; returns how long it took to register, its memory at rest and how long its end took."""
    API.registered.clear()
    API.ending.clear()
    root = tempfile.mkdtemp()
    shutil.copytree(layer, root + "/opt")
    os.mkdir(root + "/proc")
    read, write = os.pipe()
    began = time.monotonic()
    process = os.fork()
    if process == 0:
        os.dup2(write, 1)
        os.dup2(write, 2)
        os.close(read)
        become(root)
    os.close(write)
    try:
        if not API.registered.wait(10):
            os.kill(process, signal.SIGKILL)
            state = os.waitpid(process, 0)[1]
            sys.exit(f"it did not register: {state}, {os.read(read, 65536).decode()}")
        took = API.at - began
        time.sleep(1)
        with open(f"/proc/{process}/status") as status:
            resident = int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) * 1024
        API.ending.set()
        ended = time.monotonic()
        state = os.waitpid(process, 0)[1]
        ended = time.monotonic() - ended
        said = os.read(read, 65536).decode()
    finally:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass
        shutil.rmtree(root)
    if "CloudWatchMetrics" not in said:
        failed.append("it said no metrics: " + said)
    if state != 0 or ended > 0.2:
        failed.append(f"it did not end as it should: {state}, {ended:.3f} s, {said}")
    return took, resident, ended


took, resident, ended = run()
sizes = [os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(layer) for name in names]
figures = {"unpacked": sum(sizes), "zipped": os.path.getsize(path), "resident": resident, "registered": took}
print(f"unpacked    {figures['unpacked'] / MB:.1f} MB")
print(f"zipped      {figures['zipped'] / MB:.1f} MB")
print(f"resident    {resident / 1048576:.1f} MiB at rest")
print(f"registered  {took * 1000:.0f} ms after its start, as {API.names[0]}")
print(f"ended       {ended * 1000:.0f} ms after it was told to")
if set(API.names) != {"larder"}:
    failed.append(f"it registered as {API.names}, which Lambda takes for another")
failed += [f"{name} is {figures[name]}, and {bound} is the most" for name, bound in BOUNDS.items() if figures[name] > bound]
if failed:
    sys.exit("\n".join(failed))
