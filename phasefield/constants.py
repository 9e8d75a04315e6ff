"""Constants of nature (CODATA 2018, exact in the SI of 2019) and of lithium, in SI units; the version."""

from typing import Final

VERSION = "0.1.0"

ELEMENTARY_CHARGE: Final = 1.602176634e-19  # C
BOLTZMANN: Final = 1.380649e-23  # J/K
AVOGADRO: Final = 6.02214076e23  # 1/mol

FARADAY: Final = ELEMENTARY_CHARGE * AVOGADRO  # C/mol
GAS_CONSTANT: Final = BOLTZMANN * AVOGADRO  # J/(mol K)

VACUUM_PERMITTIVITY: Final = 8.8541878128e-12  # F/m

ZERO_CELSIUS: Final = 273.15  # K
ROOM_TEMPERATURE: Final = 298.15  # K, 25 degC
LITHIUM_MOLAR_VOLUME: Final = 1.3e-5  # m^3/mol, bcc lithium near room temperature
