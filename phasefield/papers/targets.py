"""What the papers measured and no experiment of the report simulates, each with the reason."""

from __future__ import annotations

from phasefield.papers.row import Missing

_CATHODE = "the program has no intercalation cathode yet"
_FADE = "capacity lost to anything but lithium and its film is outside the model"
_COPPER = "the program cannot start on bare copper yet: no substrate, no law of nucleation"
_NCM, _LNMO = "NCM811 to 4.4 V: capacity at 0.1 C; kept", "LNMO to 4.8 V: capacity; kept"

NOT_SIMULATED = (
    Missing("PLL", "LFP: capacity at 0.2, 0.5, 1, 2 C", "139.7, 127.2, 111.2, 85.1 mAh/g", "[1] Fig. 4d", _CATHODE),
    Missing("PLLZ", "LFP: capacity at 0.2, 0.5, 1, 2 C", "143.9, 133.7, 123.9, 109.9 mAh/g", "[1] Fig. 4d", _CATHODE),
    Missing("PLL", "LFP: polarisation at 2 C", "416.6 mV", "[1] Fig. 4e", _CATHODE),
    Missing("PLLZ", "LFP: polarisation at 2 C", "266.9 mV", "[1] Fig. 4e", _CATHODE),
    Missing("PLL", "LFP: polarisation at 1 C, cycle 1; 100", "213.2; 380.2 mV", "[1] Fig. 4g", _CATHODE),
    Missing("PLLZ", "LFP: polarisation at 1 C, cycle 1; kept after 100", "169.6 mV; 90 %", "[1] Fig. 4f, h",
            f"{_CATHODE}; {_FADE}"),
    Missing("LHCI", "nucleation overpotential on copper", "0.229 V", "[2] Fig. 2b", _COPPER),
    Missing("DLHCI", "nucleation overpotential on copper", "0.243 V", "[2] Fig. 2b", _COPPER),
    Missing("LHCI", "Coulombic efficiency, 0.5 mA/cm2", "98 %", "[2] Fig. 2", _COPPER),
    Missing("DLHCI", "Coulombic efficiency, 0.5 mA/cm2", "99 %", "[2] Fig. 2c", _COPPER),
    Missing("LHCI", _NCM, "170 mAh/g; 43 % after 200 cycles", "[2] Fig. 3c", f"{_CATHODE}; {_FADE}"),
    Missing("DLHCI", _NCM, "177 mAh/g; 75 % after 200 cycles", "[2] Fig. 3c", f"{_CATHODE}; {_FADE}"),
    Missing("LHCI", _LNMO, "109 mAh/g; 37 % after 100 cycles", "[2] Fig. 3f", f"{_CATHODE}; {_FADE}"),
    Missing("DLHCI", _LNMO, "102 mAh/g; 54 % after 100 cycles", "[2] Fig. 3f", f"{_CATHODE}; {_FADE}"),
)  # fmt: skip
