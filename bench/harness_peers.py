"""What the benchmarks compare with: installed when missing, started in folders of their own on loopback, stopped whatever
happens. Nothing here is part of what runs in a force."""

import ctypes
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
HERE = ROOT / "bench" / "peers"
READY_S = 30
PG_BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
PR_SET_PDEATHSIG = 1


class Trouble(Exception):
    """Something that stops a benchmark; its text says what happened and what to do."""


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tail_of(path, lines=6):
    try:
        return "\n".join("    " + line for line in path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def descendants(pid):
    """A process and what it started: some move to process groups of their own."""
    children = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        except (OSError, ValueError, IndexError):
            continue
    found = [pid]
    for parent in found:
        found.extend(children.get(parent, []))
    return found


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Peer:
    name = ""
    title = ""
    group = ""  # of cmake/deps.sh
    stop_signal = signal.SIGTERM
    slower = 1  # so many times fewer single pushes are enough for its rate
    as_user = None  # when the benchmark runs as root and the peer refuses to

    def __init__(self, folder, certs, port=0):
        self.folder = pathlib.Path(folder) / self.name
        self.certs = certs
        self.port = port
        self.fixed_port = port != 0
        self.process = None
        self.log = pathlib.Path(folder) / f"{self.name}.log"

    # What a peer must say of itself

    @classmethod
    def is_there(cls):
        raise NotImplementedError

    def make(self):
        """The empty store; the folder is there."""

    def command(self):
        raise NotImplementedError

    def prepare(self):
        """After it listens."""

    # The same for all

    @classmethod
    def install(cls):
        if cls.is_there():
            return
        print(f"installing what {cls.title} needs", flush=True)
        done = subprocess.run([ROOT / "cmake" / "deps.sh", cls.group], cwd=ROOT, text=True, stderr=subprocess.STDOUT,
                              stdout=subprocess.PIPE, check=False)
        if done.returncode == 0 and cls.is_there():
            return
        said = "\n".join("    " + line for line in done.stdout.splitlines()[-6:])
        raise Trouble(f"{cls.title} can't be installed (cmake/deps.sh {cls.group}):\n{said}\n"
                      f"  Is there a way to the package servers? Install it by hand, or leave it out: --without {cls.name}")

    def user(self):
        return pwd.getpwnam(self.as_user) if self.as_user and os.geteuid() == 0 else None

    def before_exec(self):
        """In the child: on every core, as our server is, and gone when the harness is, even by SIGKILL."""
        os.sched_setaffinity(0, range(os.cpu_count()))
        user = self.user()
        if user:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def run(self, *command):
        done = subprocess.run(command, cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              preexec_fn=self.before_exec, check=False)
        if done.returncode != 0:
            raise Trouble(f"{self.title} can't be set up: {command[0]} says:\n{done.stdout[-600:]}")
        return done.stdout

    def begin(self):
        """A new, empty store, and the peer on it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        user = self.user()
        if user:
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self.make()
        self.start()
        self.prepare()

    def start(self):
        if not self.fixed_port:
            self.port = free_port()
        if not is_free(self.port):
            raise Trouble(f"{self.title} can't have port {self.port} of 127.0.0.1: another program listens there.\n"
                          "  End that program, or choose others with --port N (or none: free ones are found)")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, preexec_fn=self.before_exec,
                                            start_new_session=True)
        self.wait_ready()

    def wait_ready(self):
        end = time.monotonic() + READY_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        raise Trouble(f"{self.title} doesn't listen on port {self.port}. Its log ({self.log}):\n{tail_of(self.log)}")

    def kill(self):
        """SIGKILL, to it and all that it started, as a power cut to the process would be."""
        if self.process is not None:
            self.end(descendants(self.process.pid))

    def stop(self):
        """As its own manual stops it; what then still runs of it is killed."""
        if self.process is None:
            return
        tree = descendants(self.process.pid)
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                pass
        self.end(tree)

    def end(self, tree):
        for pid in tree if self.process.poll() is None else tree[1:]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process = None
        end = time.monotonic() + 5
        while any(is_running(pid) for pid in tree) and time.monotonic() < end:
            time.sleep(0.01)


def has_modules(*names):
    return all((HERE / "node_modules" / name).exists() for name in names)


class Node(Peer):
    name = "node"
    title = "Node ws + better-sqlite3"
    group = "peer-node"

    @classmethod
    def is_there(cls):
        return shutil.which("node") is not None and has_modules(
            "ws/package.json", "better-sqlite3/build/Release/better_sqlite3.node")

    def command(self):
        return ["node", HERE / "node_server.js", "--port", str(self.port), "--certs", self.certs, "--store",
                self.folder / "store.db"]


class NodeDeflate(Node):
    """The same with permessage-deflate, which `ws` leaves off: only for bytes on the wire."""
    name = "node_deflate"
    title = "Node ws with permessage-deflate"

    def command(self):
        return [*super().command(), "--deflate"]


class Mosquitto(Peer):
    name = "mosquitto"
    title = "mosquitto, QoS 1"
    group = "peer-mosquitto"

    @classmethod
    def binary(cls):
        return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")

    @classmethod
    def is_there(cls):
        return cls.binary() is not None

    def make(self):
        self.configuration = self.folder / "mosquitto.conf"

    def command(self):
        # As Debian has it, with persistence; queues without end, so that nothing is dropped.
        self.configuration.write_text(f"""\
listener {self.port} 127.0.0.1
cafile {self.certs}/ca-bundle.pem
certfile {self.certs}/server/localhost.pem
keyfile {self.certs}/server/localhost.key
require_certificate true
use_identity_as_username true
tls_version tlsv1.3
allow_anonymous false
persistence true
persistence_location {self.folder}/
max_queued_messages 0
max_inflight_messages 1000
set_tcp_nodelay true
{"user root" if os.geteuid() == 0 else ""}
""")
        return [self.binary(), "-c", self.configuration]


class Postgres(Peer):
    name = "postgres"
    title = "PostgreSQL 15 + NOTIFY"
    group = "peer-postgres"
    as_user = "postgres"  # it refuses to run as root
    stop_signal = signal.SIGINT

    @classmethod
    def is_there(cls):
        return (PG_BIN / "postgres").exists()

    def make(self):
        self.check_reach()
        data = self.folder / "data"
        self.run(PG_BIN / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8",
                 "--locale=C")
        with open(data / "postgresql.conf", "a", encoding="ascii") as file:
            file.write(f"""
listen_addresses = '127.0.0.1'
unix_socket_directories = '{self.folder}'
max_connections = 120
shared_buffers = 256MB
fsync = on
synchronous_commit = on
""")

    def check_reach(self):
        user = self.user()
        if user and subprocess.run(["test", "-w", self.folder], user=user.pw_uid, group=user.pw_gid, extra_groups=[],
                                   check=False).returncode != 0:
            raise Trouble(f"{self.title} runs as user postgres, who can't get into {self.folder}.\n"
                          "  Choose a folder that everybody may enter (--folder DIR), or run this as another user than root")

    def command(self):
        return [PG_BIN / "postgres", "-D", self.folder / "data", "-p", str(self.port)]

    def prepare(self):
        self.run("psql", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-c",
                 (HERE / "schema.sql").read_text())

    def wait_ready(self):
        super().wait_ready()
        end = time.monotonic() + READY_S
        while subprocess.run([PG_BIN / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)],
                             check=False).returncode != 0:
            if time.monotonic() > end or self.process.poll() is not None:
                raise Trouble(f"{self.title} isn't ready. Its log ({self.log}):\n{tail_of(self.log)}")
            time.sleep(0.05)


class PouchDB(Peer):
    name = "pouchdb"
    title = "PouchDB Server"
    slower = 5
    group = "peer-node"

    @classmethod
    def is_there(cls):
        return shutil.which("node") is not None and has_modules("pouchdb-server/package.json")

    def command(self):
        return ["node", HERE / "node_modules" / "pouchdb-server" / "bin" / "pouchdb-server", "--host", "127.0.0.1",
                "--port", str(self.port), "--dir", self.folder, "--no-stdout-logs", "--no-color"]

    def prepare(self):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/bench", method="PUT")
        with urllib.request.urlopen(request, timeout=READY_S) as answer:
            if answer.status != 201:
                raise Trouble(f"{self.title} can't make a database: status {answer.status}")


PEERS = {peer.name: peer for peer in (Node, Mosquitto, Postgres, PouchDB)}
VARIANTS = {NodeDeflate.name: NodeDeflate}  # of a peer, measured where it is


def make_certificates(folder, devices=50, reader=1000):
    """A CA of its own, as certs/ makes them: one server, 50 devices and the other client (peer_load.c has the numbers)."""
    certs = pathlib.Path(folder) / "certs"
    shutil.rmtree(certs, ignore_errors=True)
    commands = [["make-root.sh", certs], ["make-issuing-ca.sh", certs],
                ["make-server.sh", certs, "localhost", "127.0.0.1"]]
    commands += [["make-device.sh", certs, f"{number:032x}"] for number in [*range(devices), reader]]
    for command in commands:
        done = subprocess.run([ROOT / "certs" / command[0], *command[1:]], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise Trouble(f"certificates can't be made: {command[0]} says:\n{done.stdout[-600:]}")
    return certs
