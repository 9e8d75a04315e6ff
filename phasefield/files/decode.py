"""Text files of instruments as text: UTF-8 or latin-1, and UTF-16 that says so."""

from __future__ import annotations


def decoded(data: bytes) -> str:
    """Return the text of a file: UTF-16 by its mark, else UTF-8, else latin-1, which reads any bytes."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")
