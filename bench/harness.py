#!/usr/bin/env python3
"""./run bench: each benchmark beside its ceiling and beside what anyone would pick instead, in one run, in turn.

A round runs ours (with its ceiling) and then every peer on the same job, and the next round does it again: whatever the
machine does meanwhile, it does to all of them. Medians and spread over the rounds; only ratios within a round count.
What a run found is printed, and written to bench/results/ when the run was whole and everything in it held: a failed or
partial one leaves there what was there.
"""

import argparse
import atexit
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import harness_peers
import harness_plot
import harness_report
from harness_peers import PEERS, ROOT, VARIANTS, Trouble

PROGRAMS = ROOT / "build" / "gcc-release" / "bench"
RESULTS = ROOT / "bench" / "results"
FREE_MIN_GB = {False: 2, True: 12}  # quick, full: stores, journals and their copies, with room to spare
KILL_AFTER_S = 1.5
LEAST, MOST = "at least", "at most"


class Lost(Exception):
    """A peer (or we) lost or skipped work: its figures don't count, and the run fails."""


class Ratio:
    """What two figures of one round are to each other, and what that should be."""

    def __init__(self, key, label, above, below, side, bound):
        self.key, self.label, self.above, self.below, self.side, self.bound = key, label, above, below, side, bound

    def met(self, median):
        return median >= self.bound if self.side == LEAST else median <= self.bound


RATIOS = [
    Ratio("ingest.batch.of_node", "a day's batch a push, to the Node peer", "ingest.batch.ours", "ingest.batch.node", LEAST, 1.5),
    Ratio("ingest.single.of_node", "one fact a push, to the Node peer", "ingest.single.ours", "ingest.single.node", LEAST, 2),
    Ratio("ingest.one.of_node", "one device, one fact a push, to the Node peer", "ingest.one.ours", "ingest.one.node", LEAST, 2),
    Ratio("flag.half.of_node", "at half load, p99 to the Node peer's at the same rate", "flag.half.screen_p99",
          "flag.half.node_screen_p99", MOST, 0.25),
    Ratio("wire.of_node", "bytes a fact in a day's batch, to the Node peer's", "wire.batch.ours", "wire.batch.node", MOST, 0.4),
    Ratio("catchup.of_postgres", "rows a second, to PostgreSQL's", "catchup.ours", "catchup.catchup.postgres", LEAST, 1.5),
]


class Found:
    """What the rounds of one benchmark found, put together from the programs' files (bench/result.h has their form)."""

    def __init__(self, name):
        self.name = name
        self.figures = {}
        self.ratios = {}
        self.checks = {}
        self.others = 0.0
        self.machine = ""
        self.left_out = []

    def add(self, found, only=None):
        """One program's file. only: keys that begin like this; the rest belongs to another benchmark."""
        self.machine = found["machine"]
        for figure in found["figures"]:
            if only is None or figure["key"].startswith(only):
                known = self.figures.setdefault(figure["key"], dict(label=figure["label"], unit=figure["unit"], values=[]))
                known["values"] += figure["values"]
        for ratio in found["ratios"]:
            known = self.ratios.setdefault(ratio["key"], dict(label=ratio["label"], aim=ratio["aim"], values=[]))
            known["values"] += ratio["values"]
        for check in found["checks"]:
            self.checks[check["what"]] = self.checks.get(check["what"], True) and check["held"]
        if not found["ok"]:
            raise Lost("; ".join(check["what"] for check in found["checks"] if not check["held"]))

    def add_ratios(self):
        for ratio in RATIOS:
            above, below = self.figures.get(ratio.above), self.figures.get(ratio.below)
            if above and below and all(below["values"]):
                values = [a / b for a, b in zip(above["values"], below["values"])]
                self.ratios[ratio.key] = dict(label=ratio.label, aim=f"{ratio.side} {ratio.bound:g}", values=values)

    def median(self, key):
        return statistics.median(self.figures[key]["values"])

    def whole(self):
        """As written: everything with its median and spread."""
        def spread(thing):
            values = thing["values"]
            return dict(values=values, median=statistics.median(values), low=min(values), high=max(values))

        figures = [dict(key=key, label=f["label"], unit=f["unit"], **spread(f)) for key, f in self.figures.items()]
        ratios = [dict(key=key, label=r["label"], aim=r["aim"], **spread(r)) for key, r in self.ratios.items()]
        for ratio in ratios:
            side, bound = ratio["aim"].rsplit(" ", 1)
            ratio["met"] = ratio["median"] >= float(bound) if side == LEAST else ratio["median"] <= float(bound)
        checks = [dict(what=what, held=held) for what, held in self.checks.items()]
        return dict(name=self.name, machine=self.machine, rounds=max((len(f["values"]) for f in figures), default=0),
                    others=self.others, figures=figures, ratios=ratios, checks=checks,
                    ok=all(self.checks.values()), left_out=self.left_out)


# Running programs ---------------------------------------------------------------------------------------------------


class Bench:
    """What all benchmarks of a run share: where, with whom, how long."""

    def __init__(self, options, scratch):
        self.full = options.full
        self.seed = options.seed
        self.rounds = options.rounds or (7 if options.full else 3)
        self.scratch = pathlib.Path(scratch)
        self.port = options.port
        self.wanted = [name for name in PEERS if name not in options.without]
        self.without = options.without
        self.certs = None

    def program(self, name, *arguments):
        """Runs one to its end and returns its file. It has said itself what went wrong."""
        file = self.scratch / "found.json"
        file.unlink(missing_ok=True)
        command = [PROGRAMS / name, *map(str, arguments), "--json", file]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0 or not file.exists():
            said = "\n".join("    " + line for line in (done.stdout + done.stderr).splitlines()[-8:])
            raise Trouble(f"{name} {' '.join(map(str, arguments))} gave no figures (exit {done.returncode}):\n{said}"
                          f"{self.disk_hint()}")
        return json.loads(file.read_text())

    def disk_hint(self):
        free = shutil.disk_usage(self.scratch).free
        return f"\n  The disk of {self.scratch} has only {free >> 20} MiB left: free some" if free < 256 << 20 else ""

    def peer(self, name):
        if self.certs is None:
            self.certs = harness_peers.make_certificates(self.scratch)
        known = PEERS | VARIANTS
        port = self.port + list(known).index(name) if self.port else 0
        return known[name](self.scratch, self.certs, port)

    def load(self, peer, load, *arguments):
        return self.program("peer_load", "--peer", peer.name, "--port", peer.port, "--certs", peer.certs, "--load", load,
                            "--server", peer.process.pid, "--seed", self.seed, *arguments)

    def measure_peer(self, found, name, load, *arguments, only=None):
        """One load on a peer that begins empty and is stopped afterwards, whatever happens."""
        peer = self.peer(name)
        say(f"  {load}: {peer.title}")
        try:
            peer.begin()
            found.add(self.load(peer, load, *arguments), only)
        finally:
            peer.stop()


def say(text):
    print(text, file=sys.stderr, flush=True)


# The benchmarks -----------------------------------------------------------------------------------------------------


def ingest_round(bench, found, number):
    days = 12 if bench.full else 6
    for index, load in enumerate(("batch", "single", "one"), 1):
        say(f"  {load}: Doublecrew and its ceiling")
        found.add(bench.program("bench_ingest", "--load", index, "--rounds", 1, "--bare", 3 if bench.full else 1,
                                "--days", days, "--seed", bench.seed + number, "--folder", bench.scratch))
        for name in bench.wanted:
            pushes = {"batch": days, "single": 200, "one": 800}[load] // (1 if load == "batch" else PEERS[name].slower)
            arguments = ["--pushes", pushes]
            bench.measure_peer(found, name, load, *arguments, only="ingest.")


    for index in range(4, loads_of("bench_ingest") + 1):  # of ours alone: no peer derives anything
        say(f"  load {index}: Doublecrew and its ceiling")
        found.add(bench.program("bench_ingest", "--load", index, "--rounds", 1, "--bare", 3 if bench.full else 1,
                                "--days", days, "--seed", bench.seed + number, "--folder", bench.scratch))


def loads_of(program):
    """As its usage says: --load 1..N."""
    known = re.search(r"--load 1\.\.(\d+)", usage_of(program))
    return int(known.group(1)) if known else 3


def flag_round(bench, found, number):
    say("  rest, full, half: Doublecrew")
    ours = bench.program("bench_flag", "--folder", bench.scratch)
    found.add(ours)
    rate = next(figure["values"][0] for figure in ours["figures"] if figure["key"] == "flag.half.rate")
    for name in bench.wanted:
        bench.measure_peer(found, name, "rest", only="flag.")
        bench.measure_peer(found, name, "half", "--rate", f"{rate:.1f}", only="flag.")


def wire_round(bench, found, number):
    say("  Doublecrew")
    found.add(bench.program("bench_wire"))
    for name in ("node", "node_deflate", "mosquitto"):
        if name.split("_")[0] in bench.wanted:
            bench.measure_peer(found, name, "batch", "--pushes", 1, only="wire.")


def catchup_round(bench, found, number):
    if (PROGRAMS / "bench_catchup").exists():
        say("  Doublecrew")
        found.add(bench.program("bench_catchup", "--folder", bench.scratch))
    for name in bench.wanted:
        bench.measure_peer(found, name, "catchup", only="catchup.")


def kept_round(bench, found, number):
    """What kill -9 in the middle of a load costs of what was acknowledged. Losing is a peer's nature here, not a failure."""
    ledger = bench.scratch / "ledger"
    for name in bench.wanted:
        peer = bench.peer(name)
        say(f"  kill -9: {peer.title}")
        try:
            peer.begin()
            push = subprocess.Popen([PROGRAMS / "peer_load", "--peer", name, "--port", str(peer.port), "--certs", peer.certs,
                                     "--load", "cut", "--ledger", ledger], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    text=True)
            push.stdout.readline()  # it pushes from here on
            time.sleep(KILL_AFTER_S)
            peer.kill()
            said = push.communicate(timeout=60)[0]
            if push.returncode != 0:
                raise Trouble(f"peer_load on {peer.title} couldn't tell what was acknowledged:\n{said}")
            peer.start()
            found.add(bench.load(peer, "collect", "--ledger", ledger))
        finally:
            peer.stop()


def usage_of(program):
    return subprocess.run([PROGRAMS / program, "--help"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False).stdout


def alone_round(program):
    """A program that measures its ceiling itself, and has no peer. It gets those of our options that it knows."""
    def run(bench, found, number):
        known = usage_of(program)
        arguments = ["--full"] if bench.full and "--full" in known else []
        arguments += ["--folder", bench.scratch] if "--folder" in known else []
        say(f"  {program} {' '.join(map(str, arguments))}")
        found.add(bench.program(program, *arguments))
    return run


BENCHES = {  # name: what a round does, and how many rounds at most (None: as asked)
    "ingest": (ingest_round, None),
    "flag": (flag_round, None),
    "wire": (wire_round, 1),  # within half a byte the same in every run
    "catchup": (catchup_round, None),
    "kept": (kept_round, 1),
    "idle": (alone_round("bench_idle"), 3),
    "storm": (alone_round("bench_storm"), 3),
    "growth": (alone_round("bench_growth"), 3),  # ten million facts take six minutes each time
    "judge": (alone_round("bench_judge"), 3),
}
NEED_PEERS = {"ingest", "flag", "wire", "catchup", "kept"}


def names():
    return [name for name in BENCHES if name == "kept" or name == "catchup" or (ROOT / "bench" / f"bench_{name}.c").exists()]


def cpu_seconds():
    """Of everybody, what the host took included, and of us and ours: programs and peers count when they have ended."""
    fields = [int(word) for word in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    everybody = (sum(fields[:3]) + sum(fields[5:8])) / os.sysconf("SC_CLK_TCK")
    times = os.times()
    return everybody, times.user + times.system + times.children_user + times.children_system


def run_one(bench, name):
    found = Found(name)
    began_s, (all_before, own_before) = time.monotonic(), cpu_seconds()
    if name in NEED_PEERS:
        found.left_out = [PEERS[peer].title for peer in bench.without]
    round_of, rounds_max = BENCHES[name]
    rounds = min(bench.rounds, rounds_max or bench.rounds)
    for number in range(rounds):
        say(f"{name}: round {number + 1} of {rounds}")
        round_of(bench, found, number)
    all_after, own_after = cpu_seconds()
    others_s = (all_after - all_before) - (own_after - own_before)
    found.others = max(0.0, others_s / ((time.monotonic() - began_s) * os.cpu_count()))
    found.add_ratios()
    return found.whole()


# The whole ----------------------------------------------------------------------------------------------------------


def write_results(folder, wholes, all_of_them):
    """Every file beside its place first, then all of them into it."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {}
    for whole in wholes:
        texts[f"{whole['name']}.json"] = json.dumps(whole, indent=1) + "\n"
        texts[f"{whole['name']}.md"] = harness_report.markdown(whole)
        texts[f"{whole['name']}.svg"] = harness_plot.svg(whole)
    if all_of_them:
        texts["README.md"] = harness_report.summary(wholes)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as part:
        for file, text in texts.items():
            (pathlib.Path(part) / file).write_text(text)
        for file in texts:
            os.replace(pathlib.Path(part) / file, folder / file)
    return sorted(texts)


def file_system(folder):
    return subprocess.run(["stat", "-f", "-c", "%T", folder], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()


def check_disk(folder, full):
    if file_system(folder) in ("tmpfs", "ramfs"):
        raise Trouble(f"{folder} is in memory, where syncing costs nothing: choose a folder on a disk, --folder DIR")
    need = FREE_MIN_GB[full]
    free = shutil.disk_usage(folder).free
    if free < need << 30:
        raise Trouble(f"the disk of {folder} is nearly full: {free / 2**30:.1f} GiB are free, {need} are needed.\n"
                      "  Free some, or choose a folder on another disk: --folder DIR")


def install_peers(bench, chosen):
    """Names those that can't be had; the benchmarks would be partial without them."""
    if not NEED_PEERS & set(chosen):
        return
    troubles = []
    for name in bench.wanted:
        try:
            PEERS[name].install()
        except Trouble as trouble:
            troubles.append(str(trouble))
    if troubles:
        raise Trouble("\n".join(troubles))


def stop_on_signals():
    def stop(number, frame):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)


AUTOGROUP = "/proc/self/autogroup"


def set_autogroup(nice):
    """Where the kernel groups processes by session, nice counts within a session only, and this among them."""
    try:
        with open(AUTOGROUP, "w", encoding="ascii") as file:
            file.write(nice)
    except OSError:
        pass


def take_precedence():
    """Before other work on this machine, where we may: for us and for every peer alike, they are all started from here."""
    try:
        os.nice(-15)
        with open(AUTOGROUP, encoding="ascii") as file:
            atexit.register(set_autogroup, file.read().rsplit(maxsplit=1)[-1])
        set_autogroup("-15")
    except OSError:
        pass


def read_options(arguments):
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__.split("\n\n", maxsplit=1)[0],
                                     epilog=f"benchmarks: {' '.join(names())}; without a name: all of them")
    parser.add_argument("name", nargs="*", help="which; all unless named")
    parser.add_argument("--full", action="store_true", help="the long ones: 7 rounds, more of each (an hour or so)")
    parser.add_argument("--rounds", type=int, metavar="N", help="of each (3; with --full 7)")
    parser.add_argument("--without", action="append", default=[], choices=list(PEERS), help="leave a peer out, and say so")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="of the first peer; the others follow (free ones)")
    parser.add_argument("--folder", default="build/bench-data", metavar="DIR", help="scratch, on a disk (build/bench-data)")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.name if name not in names()]
    if unknown:
        parser.error(f"no benchmark '{unknown[0]}'; there are: {' '.join(names())}")
    if options.rounds is not None and not 1 <= options.rounds <= 31:
        parser.error("--rounds: 1 to 31")
    if options.port and not 1024 <= options.port <= 65000:
        parser.error("--port: 1024 to 65000")
    return options


def run(options):
    chosen = options.name or names()
    base = pathlib.Path(options.folder).resolve()
    base.mkdir(parents=True, exist_ok=True)
    check_disk(base, options.full)
    wholes = []
    with tempfile.TemporaryDirectory(dir=base, prefix="run-", ignore_cleanup_errors=True) as scratch:
        os.chmod(scratch, 0o755)  # PostgreSQL runs as another user
        bench = Bench(options, scratch)
        install_peers(bench, chosen)
        for name in chosen:
            wholes.append(run_one(bench, name))
            print(harness_report.text(wholes[-1]), flush=True)
    everything = not options.name and not options.without
    written = write_results(RESULTS, wholes, everything)
    print(harness_report.aims_text(wholes))
    print(f"written to {RESULTS.relative_to(ROOT)}/: {' '.join(written)}")


def main(arguments):
    stop_on_signals()
    take_precedence()
    for program in ("doublecrewd", "doublecrewctl", "doublecrew-sim"):
        os.environ.setdefault(program.upper().replace("-", "_"), str(PROGRAMS.parent / "bin" / program))
    os.environ.setdefault("DOUBLECREW_CERTS", str(ROOT / "certs"))
    options = read_options(arguments)
    try:
        run(options)
    except Trouble as trouble:
        say(f"bench: {trouble}\n  No results were written.")
        return 1
    except Lost as lost:
        say(f"bench: work was lost or skipped, so nothing counts: {lost}\n  No results were written.")
        return 1
    except KeyboardInterrupt:
        say("bench: interrupted; the peers are stopped, and no results were written")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
