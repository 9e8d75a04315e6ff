"""Movies of a run's surface: through its stored frames, or all round one of them; one colour scale."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasefield.errors import PhasefieldError
from phasefield.files.atomic import replace_bytes
from phasefield.viz.stored import StoredRun, frame_index
from phasefield.viz.style import drafted
from phasefield.viz.surfaces.camera import View, common_view, needs_section
from phasefield.viz.surfaces.section import cross_section, salt_limits, take_slice
from phasefield.viz.surfaces.surface import surface

KINDS = ("time", "turn")
FORMATS = ("gif", "mp4")
QUARTER = 90.0  # degrees
EDGE = 0.002  # of a quarter by which the eye keeps off the planes of the sides, which it would see edge-on
WIDEST = 900  # pixels of a frame
FASTEST_GIF = 50.0  # frames a second; browsers show faster ones slowly
SAMPLED = 6  # frames that give a gif its colours
HELD = 8  # frames for which the last surface is held

Told = Callable[[int, int], None]
"""Told how many frames of how many are drawn."""


def movie(
    run: StoredRun, path: str | Path, kind: str = "time", *, frame: int = -1, fps: float = 8.0, seconds: float = 6.0,
    told: Told = lambda done, all_: None,
) -> Path:  # fmt: skip
    """Write a movie and return its path; its ending says the format, .gif or .mp4.

    kind: "time", every stored frame, or "turn", one frame (of number `frame`) seen from all round in so many
    seconds; a 2D run has its section through time only. Raises PhasefieldError if there is nothing to move, and for
    .mp4 without the extra `movies`.
    """
    path = Path(path)
    ending = path.suffix.lstrip(".").lower()
    if ending not in FORMATS:
        raise PhasefieldError(f"{path}: a movie is one of {', '.join(FORMATS)}")
    if ending == "mp4":
        _encoder()
    if ending == "gif" and fps > FASTEST_GIF:
        raise PhasefieldError(f"--fps {fps:g}: a gif shows {FASTEST_GIF:g} frames a second at most; take fewer, or mp4")
    shots = list(_through_time(run)) if kind == "time" else list(_all_round(run, frame, max(4, round(fps * seconds))))
    path.parent.mkdir(parents=True, exist_ok=True)
    with drafted(), tempfile.TemporaryDirectory() as folder:
        drawn = _drawn(shots, Path(folder), told)
        drawn += [drawn[-1]] * (HELD if kind == "time" else 0)
        made = Path(folder) / f"movie.{ending}"
        (_gif if ending == "gif" else _mp4)(made, drawn, fps)
        replace_bytes(path, made.read_bytes())
    return path


Shot = Callable[[Path], Path]


def _drawn(shots: Sequence[Shot], folder: Path, told: Told) -> list[Path]:
    """Draw the shots, all of one size, into a folder: a movie of any length takes the memory of a few pictures."""
    drawn: list[Path] = []
    size: tuple[int, int] | None = None
    for k, draw in enumerate(shots):
        picture = _small(draw(folder / "shot.png"), size)
        size = picture.size
        drawn.append(folder / f"{k}.png")
        picture.save(drawn[-1], compress_level=1)
        told(k + 1, len(shots))
    return drawn


def _opened(paths: Sequence[Path]) -> Iterator[Any]:
    from PIL import Image

    for path in paths:
        with Image.open(path) as image:
            yield image.convert("RGB")


def _through_time(run: StoredRun) -> Iterator[Shot]:
    frames = range(run.n_frames)
    if len(frames) < 2:
        raise PhasefieldError(f"{run.title}: holds {len(frames)} frames; a movie through time needs two")
    if needs_section(run):
        limits = salt_limits([take_slice(run, k) for k in frames])
        yield from (lambda path, k=k: cross_section(run, path, k, limits=limits) for k in frames)
    else:
        view = common_view([(run, k) for k in frames])
        yield from (partial(_seen, run, k, view, True) for k in frames)


def _all_round(run: StoredRun, frame: int, count: int) -> Iterator[Shot]:
    """Yield the shots of one turn. The camera sees two sides of the box; for the others the run itself is turned."""
    if needs_section(run):
        raise PhasefieldError(f"{run.title}: a section cannot be turned; take a movie through time")
    frame = frame_index(run, frame)
    for k in range(count):
        quarter, rest = divmod(4.0 * k / count, 1.0)
        turned: Any = Turned(run, frame, int(quarter))
        azimuth = -QUARTER * (rest + EDGE * (1.0 - 2.0 * rest))
        seen = replace(common_view([(turned, 0)], azimuth=azimuth), turning=True)
        yield partial(_seen, turned, 0, seen, False)


def _seen(run: StoredRun, frame: int, view: View, scales: bool, path: Path) -> Path:
    return surface(run, path, frame, view=view, scales=scales)


class Turned:
    """One frame of a run, turned about the upright axis by quarters, anticlockwise from above."""

    def __init__(self, run: StoredRun, frame: int, quarters: int) -> None:
        self._run, self._frame, self._quarters = run, frame, quarters
        nz, ny, nx = run.shape
        self.shape = (nz, ny, nx) if quarters % 2 == 0 else (nz, nx, ny)
        self.title, self.spacing, self.n_frames, self.series = run.title, run.spacing, 1, run.series
        self.times = np.asarray(run.times)[[frame]]
        self.fields = getattr(run, "fields", [])
        self.heights = np.rot90(np.asarray(run.heights)[frame], -quarters)[None]

    def field(self, name: str, _: int) -> NDArray[Any]:
        """Return a field (nz, ny, nx)."""
        return np.rot90(self._run.field(name, self._frame), -self._quarters, axes=(1, 2))


def _small(path: Path, size: tuple[int, int] | None) -> Any:
    """Return a picture of a size; by default no wider than a movie is, with even edges, which encoders need."""
    from PIL import Image

    with Image.open(path) as image:
        scale = min(1.0, WIDEST / image.width)
        wide, high = size or tuple(2 * round(edge * scale / 2) for edge in image.size)
        return image.convert("RGB").resize((wide, high), Image.Resampling.LANCZOS)


def _gif(path: Path, drawn: Sequence[Path], fps: float) -> None:
    """Write a gif: one set of colours for all frames; its clock ticks a hundredth of a second, so frames may differ."""
    from PIL import Image

    some = list(_opened([drawn[k] for k in sorted({round(k) for k in np.linspace(0, len(drawn) - 1, SAMPLED)})]))
    colours = _below(some).quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=1)
    frames = [picture.quantize(palette=colours, dither=Image.Dither.NONE) for picture in _opened(drawn)]
    ticks = np.diff(np.round(100.0 * np.arange(len(drawn) + 1) / fps)).astype(int)
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=[10 * int(k) for k in ticks], loop=0, optimize=False
    )


def _below(pictures: Sequence[Any]) -> Any:
    """Return pictures of one size one below the other."""
    from PIL import Image

    wide, high = pictures[0].size
    whole = Image.new("RGB", (wide, high * len(pictures)))
    for k, picture in enumerate(pictures):
        whole.paste(picture, (0, k * high))
    return whole


def _encoder() -> Any:
    try:
        import imageio_ffmpeg
    except ImportError:
        raise PhasefieldError(
            'mp4 needs ffmpeg; install it with: pip install "lithium-phasefield[movies]"; or take --format gif'
        ) from None
    return imageio_ffmpeg


def _mp4(path: Path, drawn: Sequence[Path], fps: float) -> None:
    first = next(_opened(drawn))
    writer = _encoder().write_frames(str(path), first.size, fps=fps, codec="libx264", macro_block_size=2, quality=8)
    try:
        writer.send(None)
        for picture in _opened(drawn):
            writer.send(np.asarray(picture).tobytes())
    finally:
        writer.close()
