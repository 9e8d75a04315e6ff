"""How large what is read may be: a case with its bases, a study file, and an override. Each is read within seconds."""

LONGEST_FILE = 500_000  # bytes, of a case and all its bases together; of a study file
MOST_KEYS = 100_000  # keys and list entries of one file
MOST_FILES = 32  # a case and its bases
LONGEST_OVERRIDE = 10_000  # characters
