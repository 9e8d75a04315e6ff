"""Height maps from outside: read a profilometer's file, make it fit a box, write a map for other programs.

    profile = read_profile("cell-7.sdf")
    z = fitted(profile, (32, 32), 8e-6, sides="taper")
"""

from phasefield.topography.profiles.fit import SIDES, fitted
from phasefield.topography.profiles.profile import Profile, ProfileError
from phasefield.topography.profiles.read import read_profile
from phasefield.topography.profiles.write import FORMATS, write_profile

__all__ = ["FORMATS", "SIDES", "Profile", "ProfileError", "fitted", "read_profile", "write_profile"]
