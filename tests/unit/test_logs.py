from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from loguru import logger

from server.logs import set_up_logging
from server.settings import Settings

pytestmark = pytest.mark.usefixtures("logging_as_before")


def set_up(folder: Path, **variables: str) -> Path:
    log = folder / "logs" / "fieldbook.log"
    environment = {"DATA_DIR": str(folder), "LOG_FILE": str(log), **variables}
    set_up_logging(Settings.from_environment(environment))
    return log


def test_a_line_for_people_has_the_message_and_what_was_bound(tmp_path: Path) -> None:
    log = set_up(tmp_path)
    logger.bind(tenant="default", note="a {brace} and <a tag>").info("Imported {} rows", 3)
    line = log.read_text()
    assert line.endswith("INFO    Imported 3 rows tenant=default note=a {brace} and <a tag>\n")


def test_a_line_for_programs_is_one_json_object(tmp_path: Path) -> None:
    log = set_up(tmp_path, LOG_FORMAT="json")
    logger.bind(tenant="default").warning("A {} message", "<odd> {one}")
    try:
        raise ValueError("no such thing")
    except ValueError:
        logger.exception("It failed")
    first, second = (json.loads(line) for line in log.read_text().splitlines())
    assert first["message"] == "A <odd> {one} message"
    assert (first["level"], first["tenant"]) == ("WARNING", "default")
    assert first["time"].startswith("20")
    assert "ValueError: no such thing" in second["exception"]


def test_a_message_with_line_breaks_stays_one_line(tmp_path: Path) -> None:
    log = set_up(tmp_path)
    logger.info("Unknown event {}", "x\n2026-01-01 00:00:00.000 ERROR   forged")
    assert len(log.read_text().splitlines()) == 1


def test_nothing_in_a_message_steers_a_terminal_or_can_not_be_written(tmp_path: Path) -> None:
    log = set_up(tmp_path)
    logger.info("Unknown event {}", "x\x1b[1A\x9b2K\u2028\x08ü–😀\ud83d")
    assert log.read_text().endswith("Unknown event x\\x1b[1A\\x9b2K\\u2028\\x08ü–😀\\ud83d\n")


def test_the_level_is_the_settings_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = set_up(tmp_path, LOG_LEVEL="warning")
    logger.info("not this")
    logger.warning("but this")
    assert "not this" not in log.read_text()
    said = capsys.readouterr()
    assert "but this" in said.err
    assert said.out == ""


def test_what_libraries_log_is_there_too(tmp_path: Path) -> None:
    log = set_up(tmp_path, LOG_FORMAT="json")
    logging.getLogger("asyncio").warning("Executing %s took %d ms", "a task", 120)
    logging.getLogger("aiohttp").info("chatter")
    (line,) = (json.loads(line) for line in log.read_text().splitlines())
    assert line["message"] == "Executing a task took 120 ms"
    assert line["place"].startswith("asyncio:")


def test_values_of_variables_stay_out_of_the_log(tmp_path: Path) -> None:
    log = set_up(tmp_path)

    def sign_in(api_key: str) -> None:
        raise ValueError(f"{len(api_key)} characters")

    api_key = "-".join(["fb", "secret"])
    try:
        sign_in(api_key)
    except ValueError:
        logger.exception("It failed")
    assert "sign_in(api_key)" in log.read_text()
    assert api_key not in log.read_text()
