"""The mutations: which expression of which function is changed, and which check must notice."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from mutations.change import changed

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutation:
    """One change: the expression `old`, found exactly once in `place`, becomes `new`; `check` must fail.

    place: 'module:qualname' of a function, a class attribute or a constant of a module, without `phasefield.`;
    check: the name of a check of `phasefield verify`, or of a probe.
    """

    name: str
    place: str
    old: str
    new: str
    check: str

    @property
    def module(self) -> str:
        """The full name of the module."""
        return f"phasefield.{self.place.partition(':')[0]}"

    @property
    def qualname(self) -> str:
        """The name of the function, attribute or constant inside the module."""
        return self.place.partition(":")[2]

    @property
    def file(self) -> str:
        """The module's file, as a path inside the package."""
        return self.place.partition(":")[0].replace(".", "/") + ".py"

    @property
    def of_kernel(self) -> bool:
        """Whether a kernel is changed, which then runs as plain Python."""
        return self.place.startswith("kernels.")

    def tree(self) -> ast.Module:
        """Return the changed module as a syntax tree; raise ValueError if the place is not found exactly once."""
        source = (ROOT / "phasefield" / self.file).read_text(encoding="utf-8")
        try:
            return changed(source, self.qualname, self.old, self.new)
        except ValueError as error:
            raise ValueError(f"{self.name}: {self.file}: {error}") from error


NUMBERS, STEP = "model.coefficients:coefficients", "model.level_set:LevelSetLaw.step"
BALANCE, SURFACE = "model.transport:Transport._residuals", "model.reaction:SurfaceElements"
PARTICLE = "analytic.intercalation:Intercalation"
TRANSPORT, KINETICS, ELEMENTS = "kernels.transport", "kernels.kinetics", "kernels.elements"

MUTATIONS: tuple[Mutation, ...] = (
    Mutation("diffusion potential dropped", NUMBERS, "2.0 * RT / FARADAY * (1.0 - p.t_plus) * p.chi", "0.0",
             "physics-signs"),
    Mutation("diffusion potential without its factor 2", NUMBERS, "2.0 * RT", "1.0 * RT", "physics-signs"),
    Mutation("(1 - t+) missing in the salt's flux", NUMBERS, "(1.0 - p.t_plus) / FARADAY", "1.0 / FARADAY",
             "physics-signs"),
    Mutation("t+ with the other sign", NUMBERS, "(1.0 - p.t_plus) / FARADAY", "(1.0 + p.t_plus) / FARADAY",
             "physics-signs"),
    Mutation("half the molar volume", "model.base:LawOfMotion.__init__", "self.properties.V_m / FARADAY",
             "0.5 * self.properties.V_m / FARADAY", "physics-signs"),
    Mutation("surface of first order", "model.level_set:LATE", "0.5 / NODE", "0.0 / NODE", "order-time"),
    Mutation("salt of first order", "model.level_set:DIAGONAL", "(0.5 - NODE) / (1.0 - NODE)", "1.0 - NODE",
             "order-time"),
    Mutation("surface of stage 2 not that of the mean speed", "model.level_set:LevelSetLaw._move_stage_2",
             "LATE * a.v[of]", "a.v[of]", "order-time"),
    Mutation("salt of stage 2 from another line", "model.level_set:LevelSetLaw._salt_before_stage_2", "MIXED / NODE",
             "MIXED", "codes-steps"),
    Mutation("error of the voltage not seen", "model.transport:Transport.salt_error", "beta * off",
             "0.0 * beta * off", "probe-steps"),
    Mutation("salt that left in stage 1 not counted", STEP, "total_0 - weight * out_1", "total_0", "codes-steps"),
    Mutation("Gibbs-Thomson with the other sign", f"{SURFACE}.__init__", "co.gibbs_thomson", "-co.gibbs_thomson",
             "probe-sharp"),
    Mutation("counter electrode without current in the charge balance", BALANCE, "dx**2 * s.jc", "0.0 * dx**2 * s.jc",
             "probe-sharp"),
    Mutation("film lost", "model.film:SurfaceFilm.at_surface", "delta / sigma", "0.0 * delta / sigma", "probe-sharp"),
    Mutation("film: conductivity for resistivity", "model.film:SurfaceFilm.at_surface",
             "self.spread * front.gather(film.N)", "-self.spread * front.gather(film.N)", "physics-signs"),
    Mutation("reaction delivers salt", BALANCE, "-self.ratio", "self.ratio", "codes-steps"),
    Mutation("counter electrode delivers no salt", BALANCE, "self.ratio * dx**2 * s.jc", "0.0 * dx**2 * s.jc",
             "codes-steps"),
    Mutation("displacement left out", BALANCE, "self.flow", "0.0 * self.flow", "codes-steps"),
    Mutation("displaced electrolyte leaves its salt", BALANCE, "self.scale * self._leaving(stage)", "0.0",
             "codes-steps"),
    Mutation("salt at the counter plane on the wrong side", "model.transport:Transport._leaving", "0.5 * self.dx",
             "-0.5 * self.dx", "codes-steps"),
    Mutation("diffusion potential lost at the counter electrode", "model.transport:Transport._counter_currents",
             "self.psi[-1] + co.potential_at(top)", "self.psi[-1]", "codes-steps"),
    Mutation("displaced electrolyte does not leave the box", "model.displacement:Displacement.solve",
             "np.multiply(self.diagonal[-1], self.p[-1], out=self.top)", "self.top.fill(0.0)", "codes-steps"),
    Mutation("half cell of salt at the counter electrode twice", f"{KINETICS}:counter_currents",
             "0.5 * dx * flux[y, x] / D[y, x]", "dx * flux[y, x] / D[y, x]", "codes-steps"),
    Mutation("what the current carries, with the other sign", f"{TRANSPORT}:migration", "w * current",
             "-w * current", "codes-steps"),
    Mutation("what the current carries, by t+ of one side", f"{TRANSPORT}:migration", "0.5 * (here[i] + other)",
             "here[i]", "codes-steps"),
    Mutation("salt's flux at the electrodes by t+ at c0", "model.coefficients:Coefficients.salt_per_charge_at",
             "self.salt_per_charge - self.over_c.excess(c) / FARADAY", "self.salt_per_charge + 0.0 * c", "codes-steps"),
    Mutation("diffusion potential by beta at c0", "model.coefficients:Coefficients.potential_at",
             "self.over_c.potential.between(c)", "self.beta * np.log(c / self.c_0)", "codes-terms"),
    Mutation("half cell of electrolyte at the counter electrode lost", f"{KINETICS}:counter_currents",
             "R_film + 0.5 * dx / kappa[y, x]", "R_film", "codes-steps"),
    Mutation("kinetics: the film's drop twice", f"{KINETICS}:butler_volmer_behind_film",
             "(z + R * b - target, 1.0 + R * slope)",
             "(z + 2.0 * R * b - target, 1.0 + 2.0 * R * slope)", "probe-sharp"),
    Mutation("kinetics: anodic and cathodic swapped", f"{KINETICS}:butler_volmer_behind_film",
             "up - down", "down - up", "probe-sharp"),
    Mutation("cathode: the particle's surface as its mean", f"{PARTICLE}.surface",
             "self.filling(charge) - float(np.sum(self.weights * modes))", "self.filling(charge)", "codes-cathode"),
    Mutation("cathode: fills while it is charged", f"{PARTICLE}.filling", "self.filling_0 - charge / self.capacity",
             "self.filling_0 + charge / self.capacity", "codes-cathode"),
    Mutation("cathode: exchange current as half full", f"{PARTICLE}.exchange_current",
             "self.j0 * np.maximum(2.0 * np.sqrt(np.maximum(y * (1.0 - y), 0.0)), LEAST)", "self.j0",
             "codes-cathode"),
    Mutation("arithmetic for the logarithmic mean", f"{TRANSPORT}:_conduction", "H * (level + slope * m * f)",
             "H * (level + slope * m)", "codes-terms"),
    Mutation("conductance by the electrolyte of one side", f"{TRANSPORT}:_conduction", "H * (level + slope * m * f)",
             "2.0 * half * h[i] * (level + slope * m * f)", "codes-terms"),
    Mutation("diffusion not weighted with the electrolyte", f"{TRANSPORT}:_row_faces", "(a + b) * level",
             "2.0 * level", "codes-steps"),
    Mutation("displaced salt by the value of one side", f"{TRANSPORT}:_salt", "qz[i] * (mid + above[i])",
             "qz[i] * (mid + mid)", "codes-terms"),
    Mutation("diffusion potential with the other sign", f"{TRANSPORT}:potential", "beta * np.log(row_c[i] / c_0)",
             "-beta * np.log(row_c[i] / c_0)", "codes-steps"),
    Mutation("y faces of the salt coupled along x", f"{TRANSPORT}:_salt", "gy[i] * (mid - behind[i])",
             "gy[i] * (mid - right[i])", "probe-deep"),
    Mutation("y faces of the charge lead nowhere", f"{TRANSPORT}:conduction", "P[k, nx:]", "P[k, :-nx]", "probe-deep"),
    Mutation("diffusion potential at the surface with the other sign", f"{SURFACE}.react",
             "co.anion + co.beta_at(self.c_e)", "co.anion - co.beta_at(self.c_e)", "codes-steps"),
    Mutation("salt at the surface as where it is taken up", f"{SURFACE}.react", "ahead * root", "0.0 * ahead * root",
             "codes-steps"),
    Mutation("half of the anions' potential", NUMBERS, "FARADAY * p.D", "0.5 * FARADAY * p.D", "codes-steps"),
    Mutation("cells with some electrolyte closed", f"{TRANSPORT}:HOLDS", "0.003", "0.03", "codes-steps"),
    Mutation("a cell delivers a fixed share at any salt content", f"{ELEMENTS}:at_surface", "w[t] * here", "w[t]",
             "codes-steps"),
    Mutation("elements weighted to one side", f"{ELEMENTS}:_line_through_interface",
             "0.5 * (fh[base + up * step] - fh[base + down * step])", "fh[base + up * step] - fh[r]", "probe-sharp"),
    Mutation("area of an element that of the lithium's side alone", f"{ELEMENTS}:measure", "abs(s) >= closed + half",
             "s >= half or s <= -closed - half", "probe-sharp"),
    Mutation("axis swapped in the starting wave", "case.shapes:Wave.relief",
             "np.cos(a) * x[None, :] + (np.sin(a) * y[:, None] if y.size > 1 else 0.0)",
             "np.sin(a) * x[None, :] + (np.cos(a) * y[:, None] if y.size > 1 else 0.0)", "grids-isotropy"),
    Mutation("patches of the grid, not of the lattice", "model.random_field:lattice_points",
             "length / spacing * (1.0 - WHOLE)", "length / spacing", "grids-patches"),
)  # fmt: skip
