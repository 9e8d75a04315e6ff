"""Small measured files in the formats of cyclers and impedance analysers, made of known numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FREQUENCY = np.logspace(5, -1, 13)  # Hz
IMPEDANCE = 20.0 + 100.0 / (1.0 + 2j * np.pi * FREQUENCY * 100.0 * 2e-5)  # ohm
TIME = np.arange(24) * 600.0  # s
CURRENT = np.where(np.arange(24) < 12, 2e-4, -2e-4)  # A
VOLTAGE = 0.05 * np.sign(CURRENT) * (1.0 + np.arange(24) / 100.0)  # V
CYCLE = 1 + np.arange(24) // 12


def digits(value: float) -> str:
    """Return a number as instruments write it, with enough digits to read it back."""
    return f"{value:.15E}"


def eclab_spectrum(header: int | None = None) -> str:
    """Return an EC-Lab file of a spectrum; header: the length that it states, the true one by default."""
    rows = "".join(
        "\t".join(map(digits, (f, z.real, -z.imag, 10.0 * k, 0.01))) + "\t1\n"
        for k, (f, z) in enumerate(zip(FREQUENCY, IMPEDANCE, strict=True))
    )
    head = "freq/Hz\tRe(Z)/Ohm\t-Im(Z)/Ohm\ttime/s\t<Ewe>/V\tcycle number\t\n"
    return _eclab("Potentio Electrochemical Impedance Spectroscopy", head, rows, header)


def eclab_trace(header: int | None = None) -> str:
    """Return an EC-Lab file of cycling, its current in mA."""
    rows = "".join(
        "\t".join(("2", digits(t), digits(v), digits(1e3 * i), str(n))) + "\n"
        for t, i, v, n in zip(TIME, CURRENT, VOLTAGE, CYCLE, strict=True)
    )
    head = "mode\ttime/s\tEwe/V\tI/mA\tcycle number\t\n"
    return _eclab("Galvanostatic Cycling with Potential Limitation", head, rows, header)


def _eclab(technique: str, head: str, rows: str, header: int | None) -> str:
    words = f"\n{technique}\n\nElectrode surface area : 1.130 cm²\nComments : Li | Li\n\n"
    length = 3 + words.count("\n")
    return f"EC-Lab ASCII FILE\nNb header lines : {length if header is None else header}\n{words}{head}{rows}"


def zplot() -> str:
    """Return a ZPlot file."""
    rows = "".join(
        "\t".join((digits(f), "1.0000E-02", "0", str(k), digits(z.real), digits(z.imag), "0", "0", "4")) + "\n"
        for k, (f, z) in enumerate(zip(FREQUENCY, IMPEDANCE, strict=True))
    )
    return (
        f"ZPLOT2 ASCII\n  Measured Data, ZPlot:       3.2c\n  Data Points:                {len(FREQUENCY)}\n"
        f"  Freq(Hz)\tAmpl\tBias\tTime(Sec)\tZ'(a)\tZ''(b)\tGD\tErr\tRange\nEnd Comments\n{rows}"
    )


def gamry() -> str:
    """Return a Gamry file with a spectrum and a trace."""
    z = "".join(
        f"\t{k}\t{k}\t{digits(f)}\t{digits(one.real)}\t{digits(one.imag)}\t1\n"
        for k, (f, one) in enumerate(zip(FREQUENCY, IMPEDANCE, strict=True))
    )
    rows = "".join(
        f"\t{k}\t{digits(t)}\t{digits(v)}\t{digits(i)}\t..........a\n"
        for k, (t, i, v) in enumerate(zip(TIME, CURRENT, VOLTAGE, strict=True))
    )
    return (
        "EXPLAIN\nTAG\tEISPOT\nAREA\tQUANT\t1.00000E+000\tSample Area (cm^2)\n"
        f"ZCURVE\tTABLE\n\tPt\tTime\tFreq\tZreal\tZimag\tIERange\n\t#\ts\tHz\tohm\tohm\t#\n{z}"
        f"CURVE1\tTABLE\t{len(TIME)}\n\tPt\tT\tVf\tIm\tOver\n\t#\ts\tV vs. Ref.\tA\tbits\n{rows}"
        "EXPERIMENTABORTED\tTOGGLE\tF\n"
    )


def bdf() -> str:
    """Return a file of the battery data format."""
    rows = "".join(
        f"{digits(t)},{digits(v)},{digits(i)},{n}\n" for t, i, v, n in zip(TIME, CURRENT, VOLTAGE, CYCLE, strict=True)
    )
    return f"test_time_second,voltage_volt,current_ampere,cycle_count\n{rows}"


def plain(heads: str = "Zeit,Spannung (mV),Strom [mA]", separator: str = ",", comma: bool = False) -> str:
    """Return a table of time [h], voltage [mV] and current [mA]."""
    lines = [heads.replace(",", separator)]
    for t, i, v in zip(TIME, CURRENT, VOLTAGE, strict=True):
        row = separator.join(map(digits, (t / 3600.0, 1e3 * v, 1e3 * i)))
        lines.append(row.replace(".", ",") if comma else row)
    return "\n".join(lines) + "\n"


def all_files() -> list[tuple[str, bytes]]:
    """Return a file of each format, as its ending and content."""
    return [
        (".mpt", eclab_spectrum().encode("latin-1")),
        (".mpt", eclab_trace().encode().replace(b"\n", b"\r\n")),
        (".mpt", eclab_trace().replace(".", ",").encode()),
        (".z", zplot().encode()),
        (".DTA", gamry().encode()),
        (".bdf.csv", bdf().encode()),
        (".txt", plain("time/h;voltage/mV;current/mA", ";", comma=True).encode()),
        (".csv", plain("time/h,voltage/mV,current/mA").encode()),
    ]
