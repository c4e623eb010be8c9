"""Python's subprocess as a contender: one line `CASE COUNT` on standard input
runs a case that often, and is answered with its time per run in milliseconds,
or with `!` and why there is none."""

import signal
import subprocess
import sys
import time
from subprocess import DEVNULL, PIPE

GIB = 2**30
HEAD = ["/usr/bin/head", "-c", "1G", "/dev/zero"]
SLEEP = ["/bin/sleep", "1000"]
LIMIT_MS = 30
QUIET = {"stdin": DEVNULL, "stdout": DEVNULL, "stderr": DEVNULL}


def expect(actual, wanted):
    if actual != wanted:
        raise ValueError(f"got {actual}, wanted {wanted}")


def spawn():
    expect(subprocess.call(["/bin/true"], **QUIET), 0)


def output():
    options = {"stdin": DEVNULL, "stderr": DEVNULL}
    expect(len(subprocess.check_output(["/bin/echo", "x"], **options)), 2)


def stream():
    size = 0
    with subprocess.Popen(HEAD, stdin=DEVNULL, stdout=PIPE, bufsize=0) as child:
        while piece := child.stdout.read(1 << 20):
            size += len(piece)
    expect(size, GIB)


def capture():
    expect(len(subprocess.check_output(HEAD, stdin=DEVNULL)), GIB)


def feed():
    piece = bytes(1 << 20)
    with subprocess.Popen(["/bin/cat"], **{**QUIET, "stdin": PIPE}) as child:
        for _ in range(1024):
            child.stdin.write(piece)
    expect(child.returncode, 0)


def many(count):
    children = [subprocess.Popen(SLEEP, **QUIET) for _ in range(count)]
    for child in children:
        child.kill()
    for child in children:
        expect(child.wait(), -signal.SIGKILL)


def lateness():
    began = time.perf_counter()
    try:
        subprocess.run(SLEEP, timeout=LIMIT_MS / 1000, **QUIET)
    except subprocess.TimeoutExpired:
        pass
    return (time.perf_counter() - began) * 1000 - LIMIT_MS


REPEATED = {
    "spawn": spawn,
    "output": output,
    "sync": output,
    "stream": stream,
    "capture": capture,
    "feed": feed,
}


def figures(name, count):
    if name == "late":
        return [lateness() for _ in range(count)]
    began = time.perf_counter()
    if name == "many":
        many(count)
    else:
        for _ in range(count):
            REPEATED[name]()
    return [(time.perf_counter() - began) * 1000 / count]


for line in sys.stdin:
    what, times = line.split()
    try:
        answer = " ".join(f"{one:.4f}" for one in figures(what, int(times)))
    except Exception as error:  # It is the benchmark that says so to a person.
        answer = f"! {error}"
    print(answer, flush=True)
