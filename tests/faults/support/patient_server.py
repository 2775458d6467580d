"""`python -m tests.faults.support.patient_server`: the server, with more time for its goodbyes.

A stop takes 2 s at most, for whoever waits at a terminal: what is not answered or closed by then
is left. A machine that stands still meanwhile would leave something each time, which is not what
a test of the goodbyes is about.
"""

from __future__ import annotations

import sys

import server.app
import server.commands.answering
from server.__main__ import main

SECONDS = 30.0
COMMAND = ("-m", __name__)

if __name__ == "__main__":
    server.app.ANSWER_SECONDS = SECONDS
    server.app.CLOSING_SECONDS = SECONDS
    server.commands.answering.SECONDS_TO_DRAIN = 3 * SECONDS
    sys.exit(main(["serve"]))
