"""Measured numbers of the papers that no experiment of the report simulates, each with the reason."""

from __future__ import annotations

from phasefield.validation.row import Missing

_FADE = "the model includes no capacity loss except that to lithium and its film"
_NCM, _LNMO = "NCM811 at 0.5 C to 4.4 V: kept after 200 cycles", "LNMO at 0.5 C to 4.8 V: kept after 100 cycles"

NOT_SIMULATED = (
    Missing("PLLZ", "LFP at 1 C: kept after 100 cycles", "90 %", "[1] Fig. 4f, h", _FADE),
    Missing("LHCI", _NCM, "43 %", "[2] Fig. 3c", _FADE),
    Missing("DLHCI", _NCM, "75 %", "[2] Fig. 3c", _FADE),
    Missing("LHCI", _LNMO, "37 %", "[2] Fig. 3f", _FADE),
    Missing("DLHCI", _LNMO, "54 %", "[2] Fig. 3f", _FADE),
)  # fmt: skip
