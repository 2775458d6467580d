"""What a command says while it does something: that it can't be said does not end the work."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def say(text: str, *, out: TextIO | None = None, end: str = "\n") -> bool:
    """Writes to stdout, or to `out`; whether it could be.

    Once it can't, as whoever read is gone (`| head`) or the disk is full, nothing more goes there.
    """
    out = out or sys.stdout
    try:
        print(text, end=end, file=out, flush=True)
    except OSError as error:
        # The interpreter would try again as it ends, and fail.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, out.fileno())
        os.close(nowhere)
        if out is not sys.stderr:
            say(f"{out.name} can't be written: {error.strerror}.", out=sys.stderr)
        return False
    return True
