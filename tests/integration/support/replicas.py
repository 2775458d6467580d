"""What a device keeps of what it gets, by the rules of docs/PROTOCOL.md."""

from __future__ import annotations

from collections.abc import Iterable

from tests.integration.support.devices import Payload

SINGULAR = {"contacts": "contact", "tags": "tag", "groups": "group", "types": "type"}
PLURAL = {name: plural for plural, name in SINGULAR.items()}


class Replica:
    """Rows and a cursor, fed by pages, change sets and single events; refuses a gap."""

    def __init__(self, cursor: int = 0) -> None:
        self.cursor = cursor
        self.rows: dict[str, dict[str, Payload]] = {plural: {} for plural in SINGULAR}
        self.gone: dict[str, int] = {}

    def take_pages(self, pages: Iterable[Payload]) -> None:
        for page in pages:
            self.take_set(page)

    def take_live(self, event: str, payload: Payload) -> None:
        """Takes `changes` or one of `contact_created` and its like; others are passed over."""
        if event == "changes":
            self.take_set(payload)
            return
        name, _, what = event.rpartition("_")
        if name not in PLURAL or what not in ("created", "updated", "deleted"):
            return
        known = payload.get("id") or payload[name]["id"]
        # Created may also be a row that was here, deleted and restored in one breath.
        assert what != "updated" or known in self.rows[PLURAL[name]], (event, payload)
        if what == "deleted":
            row = {key: payload[key] for key in ("id", "version", "deleted_at")}
            part = {"put": [], "del": [row]}
        else:
            part = {"put": [payload[name]], "del": []}
        self.take_set({"since": payload["since"], "until": payload["until"], PLURAL[name]: part})

    def take_set(self, change_set: Payload) -> None:
        assert change_set["since"] == self.cursor, (change_set, self.cursor)
        for plural, rows in self.rows.items():
            part = change_set.get(plural, {"put": (), "del": ()})
            for row in part["put"]:
                assert self.version_of(plural, row["id"]) < row["version"]
                rows[row["id"]] = row
            for row in part["del"]:
                assert self.version_of(plural, row["id"]) < row["version"]
                rows.pop(row["id"], None)
                self.gone[row["id"]] = row["version"]
        self.cursor = change_set["until"]

    def version_of(self, plural: str, id: str) -> int:
        row = self.rows[plural].get(id)
        version: int = row["version"] if row else self.gone.get(id, 0)
        return version
