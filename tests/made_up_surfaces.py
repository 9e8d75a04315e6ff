"""A made-up cell with a patchy film, and the fit of a profile of it, for tests."""

CELL = """title = "made up"
extends = ["electrolytes/pllz.toml", "experiments/cycling.toml"]
[grid]
size = ["64 um", "64 um", "96 um"]
spacing = "8 um"
[surface]
height = "40 um"
roughness = "0.2 um"
[film.patches]
spread = 0.4
size = "24 um"
renewal = "1 um"
[protocol]
repeat = 3
[output]
fields_every = "1000 h"
"""
FIT = """
[data]
profile = "after.npz"
[base]
case = "cell.toml"
[unknown]
"film.patches.spread" = [0.1, 1.6]
"electrolyte.thermodynamic_factor" = [0.9, 1.1]
[design]
points = 16
seeds = 2
"""
