"""A run in a Jupyter notebook: its facts, and its last surface as a picture."""

from __future__ import annotations

import base64
import io

from phasefield.results.run import Run
from phasefield.results.summary import facts
from phasefield.text.markup import fill_template
from phasefield.viz.stored import METRE, height_of, is_flat_run, when
from phasefield.viz.style import HEIGHT_MAP, LITHIUM, MICRON, look, new_figure

SIDE = 3.4  # of the picture [inch]


def run_html(run: Run) -> str:
    """Return a run as HTML; a run without a frame as its facts alone."""
    picture = base64.b64encode(_surface(run)).decode("ascii") if run.n_frames else ""
    return fill_template("phasefield.viz", "notebook.html", title=run.title, facts=facts(run), picture=picture)


def _surface(run: Run) -> bytes:
    """Return the last surface as a PNG: a map from above, or the profile of a 2D run; drawn without OpenGL."""
    z = height_of(run, -1)
    ny, nx = z.shape
    dx = run.spacing * METRE
    with look():
        figure = new_figure(SIDE + 1.2, SIDE + 0.4)
        axes = figure.add_subplot()
        if is_flat_run(run):
            x = [(k + 0.5) * dx for k in range(nx)]
            axes.fill_between(x, z[0], color=LITHIUM)
            axes.set_ylabel(f"height ({MICRON})")
            axes.set_ylim(bottom=min(0.0, float(z.min())))
        else:
            shown = axes.imshow(z, origin="lower", extent=(0, nx * dx, 0, ny * dx), cmap=HEIGHT_MAP)
            figure.colorbar(shown, ax=axes, label=f"height ({MICRON})", shrink=0.8)
            axes.set_ylabel(f"y ({MICRON})")
        axes.set_xlabel(f"x ({MICRON})")
        axes.set_title(when(run, -1))
        file = io.BytesIO()
        figure.savefig(file, dpi=90, bbox_inches="tight")
    return file.getvalue()
