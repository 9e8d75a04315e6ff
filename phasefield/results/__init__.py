"""The files of a run: written, read, checked and exported."""
