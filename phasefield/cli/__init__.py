"""The commands of the program; no physics."""
