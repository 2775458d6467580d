import assert from "node:assert/strict";
import { test } from "node:test";
import { changesFor, choosable } from "../../../public/js/contact/choices.js";
import { asEntry, joined, lastChange, lastName } from "../../../public/js/contact/history.js";
import { matching } from "../../../public/js/contact/label_search.js";

const entries = (...ids) => ids.map((id) => ({ id: String(id) }));
const ids = ({ items }) => items.map(({ id }) => Number(id));

test("a fresh first page lies on what was there", () => {
  const held = { items: entries(5, 4, 3), cursor: "older" };
  const page = { items: entries(6, 5, 4), next_cursor: "page" };
  const all = joined(page, held);
  assert.deepEqual(ids(all), [6, 5, 4, 3]);
  assert.equal(all.cursor, "older");
});

test("after a gap only the page is shown, as more may lie between", () => {
  const all = joined({ items: entries(9, 8), next_cursor: "page" }, { items: entries(5, 4) });
  assert.deepEqual(ids(all), [9, 8]);
  assert.equal(all.cursor, "page");
});

test("the first page of all, and one that holds all that was there", () => {
  const first = joined({ items: entries(2, 1), next_cursor: null }, { items: null, cursor: null });
  assert.deepEqual(ids(first), [2, 1]);
  assert.equal(joined({ items: entries(3, 2, 1), next_cursor: "x" }, first).cursor, "x");
});

test("who changed a field last is found, in what was kept", () => {
  const items = [
    { outcome: "lost", changes: { company: {} }, agent: "a", at: "3", version: 3 },
    { outcome: "applied", changes: { custom: {} }, agent: "b", at: "2", version: 2 },
    { outcome: "applied", changes: { company: {} }, agent: "c", at: "1", version: 1 },
  ];
  assert.deepEqual(lastChange(items, "company"), { by: "c", at: "1", version: 1 });
  assert.deepEqual(lastChange(items, "custom.size"), { by: "b", at: "2", version: 2 });
  assert.equal(lastChange(items, "notes"), null);
  assert.equal(lastChange(null, "notes"), null);
});

test("a deleted contact has its last name", () => {
  const change = (changes) => ({ outcome: "applied", changes });
  const items = [
    change({ deleted: { to: true } }),
    change({ last_name: { from: "Keller", to: "Kell" } }),
    change({ first_name: { to: "Mia" }, last_name: { to: "Keller" } }),
  ];
  assert.equal(lastName(items), "Mia Kell");
  assert.equal(
    lastName([change({ emails: { to: [{ value: "a@example.com" }] } })]),
    "a@example.com",
  );
  assert.equal(lastName([]), "");
});

test("only choices that are not what stands are written", () => {
  const conflicts = [
    { field: "company", yours: "A", theirs: "B", kept: "yours" },
    { field: "notes", yours: "mine", theirs: null, kept: "yours" },
    { field: "custom.a.b", yours: 1, theirs: 2, kept: "theirs" },
    { field: "custom.__proto__", yours: "x", theirs: "y", kept: "yours" },
    { field: "tag_ids.tag-1", yours: true, theirs: false, kept: "yours" },
    { field: "tag_ids.tag-2", yours: true, theirs: false, kept: "theirs" },
  ];
  const chosen = new Map([
    ["company", "yours"],
    ["notes", "theirs"],
    ["custom.a.b", "yours"],
    ["custom.__proto__", "theirs"],
    ["tag_ids.tag-1", "theirs"],
    ["tag_ids.tag-2", "yours"],
  ]);
  const changes = changesFor(conflicts, chosen);
  assert.deepEqual(Object.entries(changes.custom), [
    ["a.b", 1],
    ["__proto__", "y"],
  ]);
  delete changes.custom;
  assert.deepEqual(changes, { notes: null, tag_ids: { remove: ["tag-1"], add: ["tag-2"] } });
});

test("a label that does not exist is not offered, one that somebody took away is", () => {
  const conflict = { field: "tag_ids.tag-1", yours: true, theirs: false, kept: "theirs" };
  assert.equal(choosable({ ...conflict, by: null }), false);
  assert.equal(choosable({ ...conflict, by: "agent-1" }), true);
  assert.equal(
    choosable({ field: "company", yours: "A", theirs: "B", kept: "theirs", by: null }),
    true,
  );
  assert.equal(choosable({ field: "deleted", yours: true, theirs: false, kept: "yours" }), false);
});

test("an unsent edit reads like an entry of the history", () => {
  assert.deepEqual(asEntry({ company: "A", tag_ids: { add: ["x"] }, group_ids: ["g"] }), {
    company: { from: null, to: "A" },
    tag_ids: { from: [], to: ["x"] },
    group_ids: { from: null, to: ["g"] },
  });
});

test("labels are found by any part of their names, first by the beginning", () => {
  const labels = ["Late payer", "Payer", "Café owners", "VIP"].map((name) => ({ name }));
  const found = (query) => matching(labels, query).map(({ name }) => name);
  assert.deepEqual(found("pay"), ["Payer", "Late payer"]);
  assert.deepEqual(found("CAFE own"), ["Café owners"]);
  assert.deepEqual(
    found(""),
    labels.map(({ name }) => name),
  );
  assert.deepEqual(found("none"), []);
});
