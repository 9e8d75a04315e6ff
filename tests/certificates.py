"""The TLS files of a cluster, as a test makes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from phasefield.studies.sweep.cluster import tls_files

TABLE = {f"tls_{name}": f"{name}.pem" for name in ("ca", "cert", "key")}


def certificates(folder: Path) -> dict[str, Path]:
    """Write the TLS files of a cluster, and return those that the table of a study file names."""
    pytest.importorskip("cryptography")
    distributed = pytest.importorskip("distributed")
    made = distributed.Security.temporary().get_tls_config_for_role("client")
    for name, part in (("ca", "ca_file"), ("cert", "cert"), ("key", "key")):
        path = folder / f"{name}.pem"
        path.touch(mode=0o600)
        path.write_text(made[part])
    return tls_files(TABLE, folder)
