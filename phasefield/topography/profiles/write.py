"""Writing a height map for other programs: SDF, Gwyddion, X3P, STL, PLY, NumPy, CSV."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from phasefield.constants import VERSION
from phasefield.errors import one_line
from phasefield.files.atomic import replace_bytes
from phasefield.topography.profiles.profile import Floats, Profile, ProfileError

MICRON = 1e-6  # m, the unit of the meshes: STL and PLY have none, and readers take um


def write_profile(path: Path, profile: Profile, title: str = "") -> Path:
    """Write a height map whose pixels are known, at once or not at all; the file's ending says the format.

    .sdf: ISO 25178-71, ASCII, in m; .gwy: Gwyddion, in m; .x3p: ISO 25178-72, in m, by x3pio; .npz: heights and pixel
    [m]; .csv: a matrix in um with its pixel in the head; .stl, .ply: the surface as triangles between the middles of
    the pixels, in um. Raises
    ProfileError for another ending, or a map of one row where a surface is needed.
    """
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise ProfileError(f"{path}: {ending or 'no ending'} is no format; give one of {', '.join(FORMATS)}")
    if profile.pixel is None:
        raise ProfileError(f"{path}: the map of {profile.source} has no pixel size; give it")
    if min(profile.heights.shape) < 2 and ending not in (".npz", ".csv"):
        raise ProfileError(f"{path}: a single profile line is no surface; write it as .csv or .npz")
    data = FORMATS[ending](profile, profile.pixel, one_line(title))
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_bytes(path, data)
    return path


def _sdf(profile: Profile, pixel: tuple[float, float], title: str) -> bytes:
    """ISO 25178-71:2012, ASCII: a head of names and values, the heights row by row, a trailer."""
    ny, nx = profile.heights.shape
    name = title.encode("ascii", "replace").decode()[:10] or "phasefield"
    head = {
        "ManufacID": name, "CreateDate": "010120000000", "ModDate": "010120000000", "NumPoints": nx, "NumProfiles": ny,
        "Xscale": f"{pixel[0]:.9e}", "Yscale": f"{pixel[1]:.9e}", "Zscale": "1.0", "Zresolution": "-1",
        "Compression": 0, "DataType": 7, "CheckType": 0,
    }  # fmt: skip
    lines = ["aISO-1.0", *(f"{key} = {value}" for key, value in head.items()), "*"]
    lines += [" ".join(f"{z:.9e}" for z in row) for row in profile.heights]
    return ("\n".join([*lines, "*"]) + "\n").encode("ascii")


def _gwy(profile: Profile, pixel: tuple[float, float], title: str) -> bytes:
    """Gwyddion's native format: containers of typed, named components (Gwyddion user guide, appendix)."""
    ny, nx = profile.heights.shape

    def text(name: str, value: str) -> bytes:
        return name.encode() + b"\0s" + value.encode() + b"\0"

    def whole(name: str, value: int) -> bytes:
        return name.encode() + b"\0i" + struct.pack("<i", value)

    def real(name: str, value: float) -> bytes:
        return name.encode() + b"\0d" + struct.pack("<d", value)

    def thing(kind: str, *parts: bytes) -> bytes:
        inside = b"".join(parts)
        return kind.encode() + b"\0" + struct.pack("<I", len(inside)) + inside

    def held(name: str, value: bytes) -> bytes:
        return name.encode() + b"\0o" + value

    numbers = np.ascontiguousarray(profile.heights, dtype="<f8").tobytes()
    field = thing(
        "GwyDataField", whole("xres", nx), whole("yres", ny),
        real("xreal", nx * pixel[0]), real("yreal", ny * pixel[1]),
        held("si_unit_xy", thing("GwySIUnit", text("unitstr", "m"))),
        held("si_unit_z", thing("GwySIUnit", text("unitstr", "m"))),
        b"data\0D" + struct.pack("<I", nx * ny) + numbers,
    )  # fmt: skip
    name = title or "height"
    return b"GWYP" + thing("GwyContainer", held("/0/data", field), text("/0/data/title", name))


def _x3p(profile: Profile, pixel: tuple[float, float], title: str) -> bytes:
    """ISO 25178-72, an archive of XML and numbers, written by x3pio; the first revision, which all programs read."""
    try:
        import x3pio
    except ImportError:
        raise ProfileError(
            '.x3p needs x3pio; install it with: pip install "lithium-phasefield[profiles]", or write .sdf or .gwy'
        ) from None
    held = io.BytesIO()
    probing = x3pio.ProbingSystem(x3pio.ProbingType.SOFTWARE, "phasefield")
    program = x3pio.Instrument("phasefield", "phasefield", "none", VERSION)
    metadata = x3pio.Metadata(creator="phasefield", instrument=program, probing_system=probing, comment=title)
    x3pio.write(
        held, profile.heights, x_scale=pixel[0], y_scale=pixel[1], metadata=metadata,
        revision=x3pio.Revision.ISO5436_2000, storage=x3pio.DataStorage.BINARY,
    )  # fmt: skip
    return held.getvalue()


def _npz(profile: Profile, pixel: tuple[float, float], _: str) -> bytes:
    held = io.BytesIO()
    np.savez(held, heights=profile.heights, pixel=np.array(pixel))
    return held.getvalue()


def _csv(profile: Profile, pixel: tuple[float, float], title: str) -> bytes:
    if not np.isclose(pixel[0], pixel[1], rtol=1e-9):
        raise ProfileError(f"the pixels of {profile.source} are not square; write it as .npz, .sdf or .gwy")
    head = re.sub("[,;]+", " ", title)  # all of it stays in one cell
    lines = [f"# title: {head}" if head else "# heights", "# unit: um", f"# pixel: {pixel[0] / MICRON:.12g} um"]
    lines += [",".join(f"{z:.9g}" for z in row) for row in profile.heights / MICRON]
    return ("\n".join(lines) + "\n").encode()


def _mesh(profile: Profile, pixel: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return points (n, 3) [um] and triangles (m, 3) of indices; seen from above they turn to the left."""
    ny, nx = profile.heights.shape
    y, x = np.meshgrid((np.arange(ny) + 0.5) * pixel[1], (np.arange(nx) + 0.5) * pixel[0], indexing="ij")
    points = np.stack([x, y, profile.heights], axis=-1).reshape(-1, 3) / MICRON
    corner = (np.arange(ny - 1)[:, None] * nx + np.arange(nx - 1)).ravel()
    one = np.stack([corner, corner + 1, corner + nx + 1], axis=1)
    other = np.stack([corner, corner + nx + 1, corner + nx], axis=1)
    return points, np.concatenate([one, other])


def _stl(profile: Profile, pixel: tuple[float, float], title: str) -> bytes:
    """Binary STL: 80 bytes of text, the number of triangles, and for each its normal, corners and two bytes."""
    points, triangles = _mesh(profile, pixel)
    corners = points[triangles]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1)[:, None]
    kind = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("rest", "<u2")])
    rows = np.zeros(len(triangles), kind)
    rows["normal"], rows["corners"] = normal, corners
    head = f"um; {title}".encode("ascii", "replace")[:80].ljust(80)
    return head + struct.pack("<I", len(rows)) + rows.tobytes()


def _ply(profile: Profile, pixel: tuple[float, float], title: str) -> bytes:
    """Binary PLY, little endian, with the height of each point as a scalar."""
    points, triangles = _mesh(profile, pixel)
    head = (
        f"ply\nformat binary_little_endian 1.0\ncomment um {title}\nelement vertex {len(points)}\n"
        "property float x\nproperty float y\nproperty float z\n"
        f"element face {len(triangles)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    faces = np.zeros(len(triangles), np.dtype([("n", "u1"), ("at", "<i4", 3)]))
    faces["n"], faces["at"] = 3, triangles
    return head.encode("ascii", "replace") + points.astype("<f4").tobytes() + faces.tobytes()


FORMATS: dict[str, Callable[[Profile, tuple[float, float], str], bytes]] = {
    ".sdf": _sdf, ".gwy": _gwy, ".x3p": _x3p, ".stl": _stl, ".ply": _ply, ".npz": _npz, ".csv": _csv,
}  # fmt: skip
"""How each ending is written."""
