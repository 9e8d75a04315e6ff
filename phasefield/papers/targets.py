"""What the papers measured and no experiment of the report simulates, each with the reason."""

from __future__ import annotations

from phasefield.papers.row import Missing

_FADE = "capacity lost to anything but lithium and its film is outside the model"
_COPPER = "the program cannot start on bare copper yet: no substrate, no law of nucleation"
_NCM, _LNMO = "NCM811 at 0.5 C to 4.4 V: kept after 200 cycles", "LNMO at 0.5 C to 4.8 V: kept after 100 cycles"

NOT_SIMULATED = (
    Missing("PLLZ", "LFP at 1 C: kept after 100 cycles", "90 %", "[1] Fig. 4f, h", _FADE),
    Missing("LHCI", "nucleation overpotential on copper", "0.229 V", "[2] Fig. 2b", _COPPER),
    Missing("DLHCI", "nucleation overpotential on copper", "0.243 V", "[2] Fig. 2b", _COPPER),
    Missing("LHCI", "Coulombic efficiency, 0.5 mA/cm2", "98 %", "[2] Fig. 2", _COPPER),
    Missing("DLHCI", "Coulombic efficiency, 0.5 mA/cm2", "99 %", "[2] Fig. 2c", _COPPER),
    Missing("LHCI", _NCM, "43 %", "[2] Fig. 3c", _FADE),
    Missing("DLHCI", _NCM, "75 %", "[2] Fig. 3c", _FADE),
    Missing("LHCI", _LNMO, "37 %", "[2] Fig. 3f", _FADE),
    Missing("DLHCI", _LNMO, "54 %", "[2] Fig. 3f", _FADE),
)  # fmt: skip
