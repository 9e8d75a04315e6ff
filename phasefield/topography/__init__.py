"""Height maps: texture, files of other programs, spectra."""
