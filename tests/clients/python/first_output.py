"""How long it takes from asking for a command to its first output: through Weir, and run directly, in turns, so that
whatever else the machine does meets both."""
import os, shlex, statistics, subprocess, time

from weir import Weir

RUNS = int(os.environ.get("WEIR_RUNS", "50"))
ARGV = ["echo", "first"]
# Somewhere else, both of them: `WEIR_COMMAND="ssh HOST weir" DIRECTLY="ssh HOST"`.
COMMAND = shlex.split(os.environ.get("WEIR_COMMAND") or os.environ.get("WEIR_BIN", "weir"))
DIRECTLY = shlex.split(os.environ.get("DIRECTLY", "")) + ARGV


def through_weir():
    _, events = weir.start(*ARGV)
    next(events)


def directly():
    with subprocess.Popen(DIRECTLY, stdout=subprocess.PIPE) as child:
        child.stdout.read(1)
        return time.perf_counter()


def milliseconds(run):
    begun = time.perf_counter()
    ended = run() or time.perf_counter()
    return (ended - begun) * 1000


weir = Weir(*COMMAND, "--no-config")
times = [(milliseconds(through_weir), milliseconds(directly)) for _ in range(RUNS)]
through, direct = (statistics.median(column) for column in zip(*times))
print(f"first output: {through:.1f} ms through Weir, {direct:.1f} ms directly (median of {RUNS})")
weir.host.stdin.close()
weir.host.wait()
