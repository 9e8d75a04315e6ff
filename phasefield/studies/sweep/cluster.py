"""Where a study's runs are made: on the cores of this machine, on a running Dask cluster, or by SLURM."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phasefield import api
from phasefield.errors import PhasefieldError
from phasefield.machine import available_memory
from phasefield.studies.sweep.plan import PlannedPoint

if TYPE_CHECKING:
    from distributed import Client

LOADING = 300e6  # bytes a worker holds besides its run: Python, numba and its compiled kernels
CONNECT = 30.0  # s that a scheduler may take to answer
WORKERS = 120.0  # s that the first worker may take to come


@dataclass(frozen=True)
class Split:
    """How cores are divided: so many workers, each with so many threads for its run."""

    workers: int
    threads: int

    def __str__(self) -> str:
        one = "worker" if self.workers == 1 else "workers"
        return f"{self.workers} {one} with {self.threads} thread{'' if self.threads == 1 else 's'} each"


def split_cores(runs: Sequence[PlannedPoint], cores: int, workers: int | None = None) -> Split:
    """Return the split of the cores for runs of this size.

    One run a core, where memory and the number of runs allow: it gave more runs an hour than fewer runs with more
    threads at every size measured, 32 x 32 x 30 to 128 x 128 x 96 cells (docs/performance.md, "Studies").
    """
    if workers is None:
        largest = LOADING + max((run.memory for run in runs), default=0.0)
        fitting = int(min(available_memory() / largest, 1e6))
        workers = max(1, min(cores, len(runs), fitting))
    return Split(workers, max(1, cores // workers))


@contextmanager
def local(how: Split) -> Iterator[Client]:
    """Start workers on this machine; processes of their own, begun anew if they die."""
    import dask
    from distributed import Client, LocalCluster

    quiet = {"distributed.admin.tick.limit": "1h", "distributed.worker.memory.terminate": False}
    with (
        dask.config.set(quiet),
        LocalCluster(
            n_workers=how.workers, threads_per_worker=1, processes=True, host="127.0.0.1", memory_limit=0,
            dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL, preload=["phasefield.studies.sweep.worker"],
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):  # fmt: skip
        yield client


@contextmanager
def running(address: str) -> Iterator[Client]:
    """Connect to a scheduler, e.g. tcp://10.0.0.1:8786, and wait for its first worker."""
    from distributed import Client

    check_address(address)

    try:
        client = Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise PhasefieldError(
            f"--scheduler {address}: no Dask scheduler answers ({type(error).__name__}); start one with "
            "`dask scheduler`, workers with `dask worker ADDRESS --nthreads 1`"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKERS)
        except TimeoutError:
            raise PhasefieldError(
                f"--scheduler {address}: has no worker; start one with `dask worker {address} --nthreads 1`"
            ) from None
        yield client


def slurm(table: Mapping[str, Any]) -> Any:
    """Return dask-jobqueue's cluster of a [cluster] table; no job is submitted yet. Raises PhasefieldError."""
    try:
        from dask_jobqueue.slurm import SLURMCluster
    except ImportError:
        raise PhasefieldError(
            '[cluster]: SLURM needs dask-jobqueue; install it with: pip install "lithium-phasefield[cluster]"'
        ) from None
    names = {"queue", "account", "cores", "memory", "walltime", "interface"}
    names |= {"job_extra_directives", "job_script_prologue"}
    given = {name: value for name, value in table.items() if name in names}
    cores = int(table["cores"])
    processes = int(table.get("processes", cores))
    if cores % processes:
        raise PhasefieldError(f"[cluster]: {cores} cores do not divide among {processes} processes; change one")
    try:
        return SLURMCluster(
            processes=processes, python=table.get("python", sys.executable), n_workers=0, name="phasefield",
            worker_extra_args=["--nthreads", "1"], scheduler_options={"dashboard": False}, **given,
        )  # fmt: skip
    except (ValueError, TypeError, OSError, RuntimeError) as error:
        raise PhasefieldError(f"[cluster]: {error}") from None


@contextmanager
def submitted(table: Mapping[str, Any]) -> Iterator[Client]:
    """Submit the jobs of a [cluster] table to SLURM and connect to the workers that they start."""
    from distributed import Client

    with slurm(table) as cluster, Client(cluster, set_as_default=False) as client:
        cluster.scale(jobs=int(table.get("jobs", 1)))
        yield client


def check_address(address: str) -> None:
    """Refuse what is no address of a scheduler."""
    if not re.fullmatch(r"((tcp|tls|ws|wss|ucx)://)?[^\s:/]+:\d{1,5}|(tcp|tls)://\[[0-9a-fA-F:]+\]:\d{1,5}", address):
        raise PhasefieldError(f"--scheduler {address}: is no address; give one such as tcp://10.0.0.1:8786")


def check_workers(workers: int | None) -> int | None:
    """Refuse a number of workers that this machine does not have cores for."""
    if workers is not None and not 1 <= workers <= api.cores():
        raise PhasefieldError(f"--workers {workers}: this machine gives {api.cores()} cores; give 1 to {api.cores()}")
    return workers
