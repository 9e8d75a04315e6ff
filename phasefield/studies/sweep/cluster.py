"""A study's runs on other machines: on a running Dask cluster, or on one that SLURM starts; over TLS."""

from __future__ import annotations

import json
import queue
import re
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phasefield.errors import PhasefieldError, one_line
from phasefield.studies.sweep import worker
from phasefield.studies.sweep.studyfile import TLS
from phasefield.studies.sweep.worker import Done, Task

if TYPE_CHECKING:
    from distributed import Client, Future, Security

CONNECT = 30.0  # s that a scheduler may take to answer
WORKERS = 120.0  # s that the first worker may take to come
GLANCE = 0.02  # s between two looks for a run that has ended
TOPIC = "phasefield"  # of the events by which workers say how runs go
ENCRYPTED = ("tls://", "wss://")
INSTALL = 'install it with: pip install "lithium-phasefield[cluster]"'


@dataclass(frozen=True)
class Scheduler:
    """A running scheduler: its address, the TLS files to show it, whether one without encryption will do."""

    address: str
    files: Mapping[str, Path]
    unencrypted: bool = False

    def check(self) -> None:
        """Raise PhasefieldError for what is no address, and for one that anybody can speak to."""
        if not re.fullmatch(
            r"((tcp|tls|ws|wss|ucx)://)?[^\s:/]+:\d{1,5}|(tcp|tls)://\[[0-9a-fA-F:]+\]:\d{1,5}", self.address
        ):
            raise PhasefieldError(f"--scheduler {self.address}: is no address; give one such as tls://10.0.0.1:8786")
        if not self.address.startswith(ENCRYPTED):
            if not self.unencrypted:
                raise PhasefieldError(
                    f"--scheduler {self.address}: is not encrypted: whoever reaches it runs programs as you; start it "
                    "with TLS (docs/studies.md) and give tls://..., or add --unencrypted on a network of your own"
                )
        elif not self.files:
            raise PhasefieldError(
                f"--scheduler {self.address}: needs tls_ca, tls_cert and tls_key in [cluster] of the study file"
            )


def tls_files(table: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """Return the TLS files that a [cluster] table names; they lie in the study file's folder or below it.

    Raises PhasefieldError if one lies elsewhere or cannot be read, and if others can read the key.
    """
    found = {name: folder / str(table[name]) for name in TLS if name in table}
    for name, path in found.items():
        if not path.resolve().is_relative_to(folder.resolve()):
            raise PhasefieldError(f"[cluster]: {name}: {path} is outside {folder}; copy it beside the study file")
        try:
            with path.open("rb"):
                mode = path.stat().st_mode
        except OSError as error:
            raise PhasefieldError(f"[cluster]: {name}: {path}: {error.strerror}") from None
        if name == "tls_key" and mode & 0o077:
            raise PhasefieldError(f"[cluster]: {name}: others can read {path}; chmod 600 {path}")
    return found


def security(files: Mapping[str, Path]) -> Security | None:
    """Return what Dask is to show and to ask for; None for no files."""
    from distributed import Security

    if not files:
        return None
    ca, cert, key = (str(files[name].absolute()) for name in TLS)
    own = {f"tls_{role}_{part}": path for role in ("client", "scheduler", "worker")
           for part, path in (("cert", cert), ("key", key))}  # fmt: skip
    return Security(require_encryption=True, tls_ca_file=ca, **own)


@contextmanager
def running(scheduler: Scheduler) -> Iterator[DaskCrew]:
    """Connect to a scheduler and wait for its first worker."""
    scheduler.check()
    address = scheduler.address
    try:
        from distributed import Client
    except ImportError:
        raise PhasefieldError(f"--scheduler {address}: needs Dask; {INSTALL}") from None

    try:
        client = Client(address, security=security(scheduler.files), timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise PhasefieldError(
            f"--scheduler {address}: no Dask scheduler answers ({type(error).__name__}); start one with "
            "`dask scheduler`, workers with `dask worker ADDRESS --nthreads 1` (docs/studies.md)"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKERS)
        except TimeoutError:
            raise PhasefieldError(
                f"--scheduler {address}: has no worker; start one with `dask worker {address} --nthreads 1`"
            ) from None
        yield DaskCrew(client)


def slurm(table: Mapping[str, Any], files: Mapping[str, Path], shared: Path) -> Any:
    """Return dask-jobqueue's cluster of a [cluster] table; no job is submitted yet.

    files: for TLS; without them certificates are made for this cluster alone, and lie in `shared` while it runs.
    Raises PhasefieldError.
    """
    try:
        from dask_jobqueue.slurm import SLURMCluster
        from distributed import Security

        safe = security(files) or Security.temporary()
    except ImportError:
        raise PhasefieldError(f"[cluster]: SLURM needs dask-jobqueue and cryptography; {INSTALL}") from None
    names = {"queue", "account", "cores", "memory", "walltime", "interface"}
    names |= {"job_extra_directives", "job_script_prologue"}
    given = {name: value for name, value in table.items() if name in names}
    cores = int(table["cores"])
    processes = int(table.get("processes", cores))
    if cores % processes:
        raise PhasefieldError(f"[cluster]: {cores} cores do not divide among {processes} processes; change one")
    for path in (shared.absolute(), *files.values()):
        if shlex.quote(str(path)) != str(path):
            raise PhasefieldError(f"[cluster]: {path} cannot stand in a job script; choose a folder of plain letters")
    try:
        return SLURMCluster(
            processes=processes, python=table.get("python", sys.executable), n_workers=0, name="phasefield",
            worker_extra_args=["--nthreads", "1"], scheduler_options={"dashboard": False},
            security=safe, protocol="tls://", shared_temp_directory=str(shared.absolute()), **given,
        )  # fmt: skip
    except (ValueError, TypeError, OSError, RuntimeError) as error:
        raise PhasefieldError(f"[cluster]: {error}") from None


@contextmanager
def submitted(table: Mapping[str, Any], files: Mapping[str, Path], shared: Path) -> Iterator[DaskCrew]:
    """Submit the jobs of a [cluster] table to SLURM and connect to the workers that they start."""
    from distributed import Client

    for left in shared.glob(".dask-jobqueue.*"):  # certificates of a study that was killed
        left.unlink(missing_ok=True)
    with slurm(table, files, shared) as cluster, Client(cluster, set_as_default=False) as client:
        cluster.scale(jobs=int(table.get("jobs", 1)))
        yield DaskCrew(client)


class DaskCrew:
    """The workers of a Dask cluster; it gives the task of one that dies to another, three times."""

    ahead = 3  # tasks that wait at a worker: no pause between two runs, and small messages

    def __init__(self, client: Client) -> None:
        from distributed import as_completed

        self.client = client
        self.tasks: dict[Future[Any], Task] = {}
        self.ends: Any = as_completed(loop=client.loop)
        self.heard: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        client.subscribe_topic(TOPIC, self._hear)

    @property
    def size(self) -> int:
        """Return how many workers there are now."""
        return len(self.client.scheduler_info(n_workers=-1)["workers"])

    def submit(self, task: Task) -> None:
        """Have a task made."""
        future = self.client.submit(run_on_dask, task, key=f"run-{task.number}-{task.hash[:8]}", pure=False, retries=0)
        self.tasks[future] = task
        self.ends.add(future)

    def wait(self, timeout: float) -> Iterator[Done | Mapping[str, Any]]:
        """Yield what workers say within `timeout` [s]: how runs go, and how tasks ended."""
        end = time.monotonic() + timeout
        while not self.ends.has_ready() and self.heard.empty() and time.monotonic() < end:
            time.sleep(GLANCE)
        while not self.heard.empty():
            yield self.heard.get()
        while self.ends.has_ready():
            future = next(self.ends)
            yield _done(future, self.tasks.pop(future))

    def use_threads(self, threads: int) -> None:
        """Let each run that goes on use so many threads."""
        with suppress(Exception):
            self.client.run(worker.use_threads, threads)

    def stop(self, patience: float) -> None:
        """Let every run save and stop, and wait for it, `patience` [s] at most."""
        from distributed import wait

        with suppress(Exception):
            self.client.run(worker.stop)
            if self.tasks and patience > 0.0:
                wait(list(self.tasks), timeout=patience)

    def _hear(self, event: Any) -> None:
        with suppress(ValueError, TypeError, IndexError):
            report = json.loads(event[1])
            if isinstance(report, dict):
                self.heard.put(report)


def run_on_dask(task: Task) -> Done:
    """Make a task's run on a Dask worker, which passes on how it goes."""
    from distributed import get_worker

    worker.report_to(lambda report: get_worker().log_event(TOPIC, json.dumps(report)))
    return worker.run_point(task)


def _done(future: Future[Any], task: Task) -> Done:
    """Return how a task ended; one whose workers died, as an error."""
    try:
        result = future.result()
    except Exception as error:
        what = "its worker died, again and again" if type(error).__name__ == "KilledWorker" else one_line(repr(error))
        return Done(task.number, "error", what)
    finally:
        future.release()
    assert isinstance(result, Done)
    return result
