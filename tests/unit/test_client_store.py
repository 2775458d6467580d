"""The store, case by case: what comes late, twice, cut off, or from another life."""

from __future__ import annotations

from typing import Any

from server.client.replica import CHECKSUM_MODULUS, checksum_difference
from server.client.store import Store
from server.client.wire import change_set_of


def contact(row_id: str, version: int) -> dict[str, Any]:
    return {"id": row_id, "version": version, "first_name": row_id}


def changed(
    since: int, until: int, put: list[Any] | None = None, gone: list[Any] | None = None
) -> dict[str, Any]:
    contacts = {"put": put or [], "del": gone or []}
    return {"epoch": "one", "since": since, "until": until, "contacts": contacts}


def synced(rows: list[dict[str, Any]], version: int) -> Store:
    store = Store()
    store.begin_sync()
    store.apply_page(changed(0, version, rows))
    store.complete(version, "one")
    return store


def ids_of(store: Store) -> set[str]:
    return {row["id"] for row in store.rows("contacts")}


def test_live_sets_during_a_first_sync_are_folded_in_at_its_end() -> None:
    store = Store()
    assert store.begin_sync() == {"since": 0}
    assert not store.apply_live(changed(5, 6, [contact("contact-b", 6)]))
    assert not store.apply_live(changed(6, 8, [contact("contact-c", 8)]))
    store.apply_page(changed(0, 5, [contact("contact-a", 5)]))
    assert store.cursor == 0
    assert not store.complete(5, "one").gap
    assert store.cursor == 8
    assert ids_of(store) == {"contact-a", "contact-b", "contact-c"}


def test_a_live_set_lost_during_a_first_sync_is_noticed_at_its_end() -> None:
    store = Store()
    store.begin_sync()
    store.apply_live(changed(7, 8, [contact("contact-c", 8)]))
    store.apply_page(changed(0, 5, [contact("contact-a", 5)]))
    assert store.complete(5, "one").gap
    assert store.cursor == 5


def test_a_tombstone_of_a_row_not_held_outlives_the_late_page_that_brings_the_row() -> None:
    store = Store()
    store.begin_sync()
    gone = {"id": "contact-a", "version": 9, "deleted_at": "t"}
    store.apply_live(changed(8, 9, gone=[gone]))
    store.apply_page(changed(0, 8, [contact("contact-a", 3)]))
    store.complete(8, "one")
    assert ids_of(store) == set()


def test_a_live_set_that_arrives_after_the_sync_that_overtook_it_revives_nothing() -> None:
    store = synced([contact("contact-b", 4)], 10)
    assert not store.apply_live(changed(4, 5, [contact("contact-a", 5)]))
    assert ids_of(store) == {"contact-b"}
    assert store.cursor == 10


def test_a_live_row_deleted_before_the_first_sync_began_is_gone_when_it_completes() -> None:
    # Its tombstone is not sent, being older than the sync; the live set of it is on its way.
    store = Store()
    store.begin_sync()
    store.apply_live(changed(4, 5, [contact("contact-a", 5)]))
    store.apply_page(changed(0, 10, [contact("contact-b", 4)]))
    checksum = {"contacts": {"count": 1, "sum": 4}}
    assert store.complete(10, "one", checksum).mismatch == {}
    assert ids_of(store) == {"contact-b"}


def test_a_missing_page_moves_nothing_and_is_noticed() -> None:
    store = synced([contact("contact-a", 2)], 2)
    assert store.begin_sync() == {"since": 2, "epoch": "one"}
    store.apply_page({**changed(2, 4, [contact("contact-b", 4)]), "has_more": True})
    store.apply_page(changed(6, 8, [contact("contact-c", 8)]))
    assert store.complete(8, "one").gap
    assert store.cursor == 4
    assert store.begin_sync() == {"since": 4, "epoch": "one"}


def test_a_resync_shows_the_old_rows_until_it_is_complete_then_drops_what_it_did_not_bring() -> (
    None
):
    store = synced([contact("contact-a", 2), contact("contact-b", 50)], 60)
    store.begin_first_sync()
    assert store.cursor == 0
    assert ids_of(store) == {"contact-a", "contact-b"}
    page = {**changed(0, 20, [contact("contact-b", 20)]), "epoch": "two", "has_more": True}
    store.apply_page({**page, "resume": "after-20"})
    assert ids_of(store) == {"contact-a", "contact-b"}
    assert store.row("contacts", "contact-b") == contact("contact-b", 20)
    store.abort_sync()
    assert store.begin_sync() == {"since": 0, "resume": "after-20"}
    store.apply_page({**changed(20, 22), "epoch": "two"})
    store.complete(22, "two", {"contacts": {"count": 1, "sum": 20}})
    assert ids_of(store) == {"contact-b"}
    assert (store.cursor, store.epoch) == (22, "two")


def test_a_first_sync_without_a_resume_begins_with_nothing_of_the_one_before() -> None:
    store = Store()
    store.begin_sync()
    store.apply_page({**changed(0, 5, [contact("contact-a", 5)]), "has_more": True, "resume": "x"})
    store.forget_resume()
    assert store.begin_sync() == {"since": 0}
    store.apply_page(changed(0, 9, [contact("contact-b", 9)]))
    store.complete(9, "one")
    assert ids_of(store) == {"contact-b"}


def test_a_live_set_of_another_epoch_is_not_applied_and_asks_for_a_sync() -> None:
    store = synced([contact("contact-a", 2)], 2)
    assert store.apply_live({**changed(2, 3, [contact("contact-b", 3)]), "epoch": "two"})
    assert ids_of(store) == {"contact-a"}
    assert store.cursor == 2


def test_rows_of_plurals_never_heard_of_are_kept() -> None:
    store = Store()
    assert not store.apply_live({"epoch": "one", "since": 0, "until": 3,
                                 "visits": {"put": [contact("visit-aaa", 3)]}})  # fmt: skip
    assert store.row("visits", "visit-aaa") == contact("visit-aaa", 3)
    assert store.plurals() == {"visits"}


def test_a_checksum_is_compared_only_at_the_version_that_it_is_of() -> None:
    store = synced([contact("contact-a", 3), contact("contact-b", 4)], 4)
    wrong = {"contacts": {"count": 2, "sum": 8}}
    assert store.compare(5, wrong) == {}
    assert store.compare(4, {"contacts": {"count": 2, "sum": 7}}) == {}
    held = {"count": 2, "sum": 7}
    assert store.compare(4, wrong) == {"contacts": {"held": held, "server": wrong["contacts"]}}
    assert store.begin_sync()
    assert store.compare(4, wrong) == {}


def test_an_entity_without_rows_may_be_left_out_of_a_checksum() -> None:
    empty = {"contacts": {"count": 0, "sum": 0}}
    assert checksum_difference(empty, {}) == checksum_difference({}, empty) == {}


def test_the_sum_of_a_checksum_wraps_at_two_to_the_52nd() -> None:
    highest = CHECKSUM_MODULUS - 1
    store = synced([contact("contact-a", highest), contact("contact-b", 5)], highest)
    assert store.checksum() == {"contacts": {"count": 2, "sum": 4}}


def test_a_wiped_store_holds_nothing_and_starts_from_zero() -> None:
    store = synced([contact("contact-a", 2)], 2)
    store.wipe()
    assert ids_of(store) == set()
    assert store.begin_sync() == {"since": 0}


def test_equal_rows_can_be_shared_between_stores() -> None:
    shared = contact("contact-a", 2)
    store = Store(keep=lambda plural, row: shared if row == shared else row)
    store.begin_sync()
    store.apply_page(changed(0, 2, [contact("contact-a", 2)]))
    store.begin_first_sync()
    assert store.row("contacts", "contact-a") is shared
    store.apply_live(changed(2, 3, [contact("contact-a", 3)]))
    assert store.row("contacts", "contact-a") == contact("contact-a", 3)


def test_events_of_single_rows_stand_for_change_sets() -> None:
    put = {"contact": contact("contact-a", 4), "version": 4, "since": 3, "until": 4,
           "mutation_id": "m", "actor": {"agent": "a", "device": "d"}}  # fmt: skip
    assert change_set_of("contact_created", put) == {
        "since": 3, "until": 4, "contacts": {"put": [contact("contact-a", 4)], "del": []},
    }  # fmt: skip
    gone = {"id": "tag-one-x", "version": 5, "deleted_at": "t", "since": 4, "until": 5}
    assert change_set_of("tag_deleted", gone) == {
        "since": 4, "until": 5,
        "tags": {"put": [], "del": [{"id": "tag-one-x", "version": 5, "deleted_at": "t"}]},
    }  # fmt: skip
