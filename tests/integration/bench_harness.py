"""What bench/harness.py does when something is wrong: run by test_bench_harness.sh."""

import contextlib
import http.server
import io
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from unittest import mock
from xml.etree import ElementTree

import harness
import harness_peers
import harness_plot
import harness_report
from harness_peers import Trouble


def program_file(ours, node, held=True):
    """As a program of bench/ writes it."""
    def figure(key, value):
        return dict(key=key, label=key, unit="facts/s", values=[value], median=value, low=value, high=value)

    return dict(name="ingest", machine="2 cores of a test", rounds=1, others=0.0, ratios=[],
                figures=[figure("ingest.batch.ours", ours), figure("ingest.batch.node", node)],
                checks=[dict(what="nothing was lost", held=held)], ok=held)


def found_of(*files):
    found = harness.Found("ingest")
    for file in files:
        found.add(file)
    found.add_ratios()
    return found


class Sleeper(harness_peers.Peer):
    """Listens and does nothing; what it started is somewhere else in the tree of processes."""

    name = "sleeper"
    title = "Sleeper"
    code = ("import os,socket,sys,time\ns=socket.create_server(('127.0.0.1',int(sys.argv[1])))\n"
            "if os.fork()==0:\n os.setsid()\ntime.sleep(600)")

    @classmethod
    def is_there(cls):
        return True

    def command(self):
        return [sys.executable, "-c", self.code, str(self.port)]


class Plain(Sleeper):
    """One process, as Node's peers and mosquitto are; PostgreSQL's end with their first."""

    code = "import socket,sys,time\ns=socket.create_server(('127.0.0.1',int(sys.argv[1])))\ntime.sleep(600)"


class Missing(Sleeper):
    name = "missing"
    title = "A peer that is nowhere"
    group = "no-such-group"

    @classmethod
    def is_there(cls):
        return False


class Broken(Sleeper):
    code = "raise SystemExit('broken on purpose')"


def listeners(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Peers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_port_taken__is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with self.assertRaisesRegex(Trouble, f"Sleeper can't have port {port} .*another program listens there(.|\n)*--port"):
                Sleeper(self.folder, "", port).begin()

    def test_peer_that_cannot_be_installed__is_named(self):
        with contextlib.redirect_stdout(io.StringIO()):
            with self.assertRaisesRegex(Trouble, "A peer that is nowhere can't be installed(.|\n)*--without missing"):
                Missing.install()

    def test_peer_that_ends_at_once__shows_its_log(self):
        with self.assertRaisesRegex(Trouble, "doesn't listen(.|\n)*broken on purpose"):
            Broken(self.folder, "").begin()

    def test_stop__leaves_nothing_behind(self):
        peer = Sleeper(self.folder, "")
        peer.begin()
        tree = harness_peers.descendants(peer.process.pid)
        self.assertEqual(len(tree), 2)
        peer.stop()
        self.assertFalse(listeners(peer.port))
        self.assertEqual([pid for pid in tree if harness_peers.is_running(pid)], [])

    def test_failing_load__stops_the_peer(self):
        options = harness.read_options(["ingest"])
        bench = harness.Bench(options, self.folder)
        bench.certs = ""
        peer = Sleeper(self.folder, "")
        with mock.patch.object(bench, "peer", return_value=peer), mock.patch.object(bench, "load", side_effect=Trouble("x")):
            with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(Trouble):
                bench.measure_peer(harness.Found("ingest"), "sleeper", "batch")
        self.assertIsNone(peer.process)
        self.assertFalse(listeners(peer.port))

    def test_killed_harness__takes_its_peers_along(self):
        code = ("import sys,time;sys.path[:0]=['bench','tests/integration'];import bench_harness as b;"
                "p=b.Plain(sys.argv[1],'');p.begin();print(p.port,flush=True);time.sleep(600)")
        with subprocess.Popen([sys.executable, "-B", "-c", code, self.folder], stdout=subprocess.PIPE, text=True) as child:
            port = int(child.stdout.readline())
            self.assertTrue(listeners(port))
            child.send_signal(signal.SIGKILL)
            child.wait()
        end = time.monotonic() + 10
        while listeners(port) and time.monotonic() < end:
            time.sleep(0.05)
        self.assertFalse(listeners(port))


class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.results = harness.ROOT / "build" / f"test-results-{os.getpid()}"
        self.addCleanup(lambda: harness.shutil.rmtree(self.results, ignore_errors=True))

    def run_with(self, rounds, arguments=("ingest",), free=1 << 50, kind="ext2/ext3"):
        """The exit status and what was said, with a round that does this instead of measuring."""
        said = io.StringIO()
        arguments = [*arguments, "--folder", str(self.folder)]
        with mock.patch.object(harness, "RESULTS", self.results), mock.patch.object(harness, "install_peers"), \
                mock.patch.dict(harness.BENCHES, {"ingest": (rounds, None)}), mock.patch.object(harness, "take_precedence"), \
                mock.patch.object(harness, "file_system", return_value=kind), \
                mock.patch.object(harness.shutil, "disk_usage", return_value=mock.Mock(free=free)), \
                contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return harness.main(arguments), said.getvalue()

    def written(self):
        return sorted(file.name for file in self.results.iterdir()) if self.results.exists() else []

    def test_whole_run__is_written(self):
        status, _ = self.run_with(lambda bench, found, number: found.add(program_file(30 + number, 10)))
        self.assertEqual(status, 0)
        self.assertEqual(self.written(), ["ingest.json", "ingest.md", "ingest.svg"])
        whole = json.loads((self.results / "ingest.json").read_text())
        ratio = next(ratio for ratio in whole["ratios"] if ratio["key"] == "ingest.batch.of_node")
        self.assertEqual(ratio["values"], [3.0, 3.1, 3.2])
        self.assertEqual((ratio["median"], ratio["met"]), (3.1, True))

    def test_round_that_fails__writes_nothing_and_keeps_what_was_there(self):
        def fails_later(bench, found, number):
            if number == 2:
                raise Trouble("the third round failed")
            found.add(program_file(1, 1))

        self.assertEqual(self.run_with(lambda bench, found, number: found.add(program_file(30, 10)))[0], 0)
        before = {name: (self.results / name).read_text() for name in self.written()}
        status, said = self.run_with(fails_later)
        self.assertEqual(status, 1)
        self.assertIn("the third round failed", said)
        self.assertIn("No results were written", said)
        self.assertEqual({name: (self.results / name).read_text() for name in self.written()}, before)

    def test_lost_work__is_no_figure(self):
        status, said = self.run_with(lambda bench, found, number: found.add(program_file(30, 10, held=False)))
        self.assertEqual(status, 1)
        self.assertIn("work was lost or skipped", said)
        self.assertIn("nothing was lost", said)
        self.assertEqual(self.written(), [])

    def test_interrupted__writes_nothing(self):
        def interrupt(bench, found, number):
            raise KeyboardInterrupt

        self.assertEqual(self.run_with(interrupt)[0], 130)
        self.assertEqual(self.written(), [])

    def test_disk_nearly_full__is_named(self):
        status, said = self.run_with(lambda bench, found, number: found.add(program_file(30, 10)), free=1 << 30)
        self.assertEqual(status, 1)
        self.assertRegex(said, "nearly full: 1.0 GiB are free, 2 are needed(.|\n)*--folder")
        self.assertEqual(self.written(), [])

    def test_folder_in_memory__is_refused(self):
        status, said = self.run_with(lambda bench, found, number: found.add(program_file(30, 10)), kind="tmpfs")
        self.assertEqual(status, 1)
        self.assertRegex(said, "in memory(.|\n)*--folder")

    def test_peer_left_out__is_said(self):
        status, said = self.run_with(lambda bench, found, number: found.add(program_file(30, 10)),
                                     ("ingest", "--without", "postgres"))
        self.assertEqual(status, 0)
        self.assertIn("Left out as asked: PostgreSQL", said)
        self.assertIn("Left out as asked: PostgreSQL", (self.results / "ingest.md").read_text())

    def test_options__that_make_no_sense_are_refused(self):
        for arguments in (["nonsense"], ["ingest", "--rounds", "0"], ["ingest", "--port", "80"], ["--without", "nobody"]):
            with contextlib.redirect_stderr(io.StringIO()) as said, self.assertRaises(SystemExit) as ended:
                harness.read_options(arguments)
            self.assertEqual(ended.exception.code, 2)
            self.assertIn("error:", said.getvalue())


class Reports(unittest.TestCase):
    def test_missed_aim__is_said_everywhere(self):
        whole = found_of(program_file(10, 10), program_file(12, 10)).whole()
        self.assertIn("MISSED", harness_report.text(whole))
        self.assertIn("MISSED", harness_report.markdown(whole))
        picture = harness_plot.svg(whole)
        self.assertIn("missed", picture)
        ElementTree.fromstring(picture)

    def test_even_number_of_rounds__has_the_middle_as_median(self):
        whole = found_of(program_file(10, 10), program_file(20, 10)).whole()
        self.assertEqual(whole["ratios"][0]["median"], 1.5)
        self.assertEqual((whole["ratios"][0]["low"], whole["ratios"][0]["high"]), (1.0, 2.0))


class Forgetful(http.server.BaseHTTPRequestHandler):
    """Says what PouchDB Server says, and forgets one fact of all."""

    protocol_version = "HTTP/1.1"
    kept = []

    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self):
        docs = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["docs"]
        Forgetful.kept += [doc["_id"] for doc in docs]
        self.answer(json.dumps([dict(ok=True, id=doc["_id"]) for doc in docs], separators=(",", ":")))

    def do_GET(self):
        self.answer(json.dumps(dict(results=[dict(id=one) for one in Forgetful.kept[1:]]), separators=(",", ":")))

    def log_message(self, *arguments):
        pass


class Load(unittest.TestCase):
    def run_load(self, handler):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "found.json"
            done = subprocess.run([os.environ["PEER_LOAD"], "--peer", "pouchdb", "--port", str(server.server_port), "--certs", ".",
                                   "--load", "one", "--pushes", "7", "--json", file], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
            return done, json.loads(file.read_text()) if file.exists() else None

    def test_acknowledged_and_not_stored__is_counted(self):
        Forgetful.kept = []
        done, file = self.run_load(Forgetful)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertFalse(file["ok"])
        self.assertRegex(file["checks"][0]["what"], "of 7 facts acknowledged, 1 were not in its store")
        with self.assertRaises(harness.Lost):
            harness.Found("ingest").add(file)

    def test_refused__is_no_figure(self):
        class Refusing(Forgetful):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.answer('[{"error":"forbidden"}]')

        done, file = self.run_load(Refusing)
        self.assertEqual(done.returncode, 1)
        self.assertIn("PouchDB Server answered", done.stdout)
        self.assertIsNone(file)


if __name__ == "__main__":
    unittest.main(verbosity=2)
