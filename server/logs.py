"""Where the log goes: to stderr, and to a file if one is named, as text or as JSON."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TYPE_CHECKING

import orjson
from loguru import logger

from server.settings import Settings

if TYPE_CHECKING:
    from loguru import Record

TEXT = "{time:YYYY-MM-DD HH:mm:ss.SSS} <level>{level: <7}</level> {message}"
LARGEST_FILE = "100 MB"
KEPT_FILES = 10


def set_up_logging(settings: Settings) -> None:
    """Sends loguru's and the standard library's messages where the settings say.

    Raises OSError when the log file can't be written.
    """
    line = json_line if settings.log_format == "json" else text_line
    level = settings.log_level
    logger.remove()
    logger.configure(patcher=keep_to_one_line)
    # `diagnose` would write the values of variables, and those may be contacts or keys.
    logger.add(sys.stderr, level=level, format=line, diagnose=False)
    if settings.log_file is not None:
        logger.add(
            settings.log_file,
            level=level,
            format=line,
            diagnose=False,
            rotation=LARGEST_FILE,
            retention=KEPT_FILES,
            encoding="utf-8",
        )
    logging.basicConfig(handlers=[StandardLibrary()], level=logging.WARNING, force=True)


def keep_to_one_line(record: Record) -> None:
    """A message may quote what a client sent: it must not look like two, nor steer a terminal."""
    if not record["message"].isprintable():
        record["message"] = "".join(
            sign if sign.isprintable() else sign.encode("unicode_escape").decode()
            for sign in record["message"]
        )


def text_line(record: Record) -> str:
    """A line for people, as loguru's format: time, level, message, what was bound to it."""
    bound = "".join(f" {name}={{extra[{name}]}}" for name in record["extra"])
    return TEXT + bound + "\n{exception}"


def json_line(record: Record) -> str:
    """A line for programs, as loguru's format.

    The JSON object holds `time, level, message, place`, what was bound to the message, and
    `exception`, the traceback, if there is one.
    """
    line = {name: value for name, value in record["extra"].items() if name != "json_line"}
    line["time"] = record["time"].isoformat()
    line["level"] = record["level"].name
    line["message"] = record["message"]
    line["place"] = f"{record['name']}:{record['line']}"
    if record["exception"] is not None and record["exception"].value is not None:
        line["exception"] = "".join(traceback.format_exception(record["exception"].value))
    # A format is read once more, so the text goes in by a name.
    record["extra"]["json_line"] = orjson.dumps(line, default=str).decode()
    return "{extra[json_line]}\n"


class StandardLibrary(logging.Handler):
    """Hands what libraries log by the standard library to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        """Passes one record on, at its level and with the name of its logger."""

        def name_the_place(ours: Record) -> None:
            ours["name"] = record.name
            ours["line"] = record.lineno

        passed_on = logger.patch(name_the_place).opt(exception=record.exc_info)
        passed_on.log(record.levelname, record.getMessage())
