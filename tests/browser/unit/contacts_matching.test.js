import assert from "node:assert/strict";
import { test } from "node:test";
import { effectOf, fold, matches, sortKey } from "../../../public/js/contacts/matching.js";

const store = { label: (_entity, id) => (id === "t1" ? { name: "VIP" } : undefined) };
const ann = {
  id: "ann",
  version: 7,
  display_name: "Ann Łukaszewicz",
  first_name: "Ann",
  last_name: "Łukaszewicz",
  company: "Größe & Co",
  emails: [{ value: "ann@example.com" }],
  phones: [{ value: "(202) 555-0143", e164: "+12025550143" }],
  tag_ids: ["t1"],
  owner_id: "ben",
  active: true,
  created_at: "2026-11-01T10:00:00.000Z",
  updated_at: "2026-11-20T10:00:00.000Z",
};
const nowhere = () => false;
const among = () => true;
const effect = (before, after, query = {}, reaches = nowhere) =>
  effectOf(before, after, query, store, reaches);
const edited = (changes) => ({
  ...ann,
  version: 8,
  updated_at: "2026-11-21T10:00:00.000Z",
  ...changes,
});

test("capitals and accents are aside, also those that Unicode does not take apart", () => {
  assert.equal(fold("ÉCOLE Łódź Straße Ørsted"), "ecole lodz strasse orsted");
});

test("every filter must hold", () => {
  assert.ok(matches(ann, { owner_id: "ben", tag: ["t1"], has_email: "true" }, store));
  for (const query of [
    { owner_id: "eve" },
    { owner_id: "none" },
    { tag: ["t2"] },
    { group: ["g"] },
    { has_phone: "false" },
    { active: "false" },
    { updated_since: "2026-11-21" },
    { deleted: "true" },
  ]) {
    assert.ok(!matches(ann, query, store), JSON.stringify(query));
  }
  assert.ok(matches({ ...ann, owner_id: undefined }, { owner_id: "none" }, store));
});

test("a label is asked for by its id or its name, a company by its whole name", () => {
  assert.ok(matches(ann, { tag: ["vip"] }, store));
  assert.ok(matches(ann, { company: "GROSSE & co" }, store));
  assert.ok(!matches(ann, { company: "Größe" }, store));
});

test("every word of a search is found in some part of names, companies, e-mails and phones", () => {
  for (const search of ["lukasz ann", "grö", "ANN@ex", "555-0143", "2025550143", "0143 ann"]) {
    assert.ok(matches(ann, { search }, store), search);
  }
  assert.ok(!matches(ann, { search: "ann berlin" }, store));
});

test("an edit that leaves a row's place is shown there", () => {
  assert.equal(effect(ann, edited({ job_title: "Head" })), "here");
  assert.equal(effect(ann, edited({ job_title: "Head" }), { tag: ["t1"], search: "ann" }), "here");
});

test("another name moves a row that is sorted by it, and no other", () => {
  const renamed = edited({ display_name: "Zoe Ł" });
  assert.equal(effect(ann, renamed), "moves");
  assert.equal(effect(ann, renamed, { sort: "company" }), "here");
  assert.equal(effect(ann, edited({}), { sort: "-updated_at" }), "moves");
});

test("a row that no filter holds any more leaves", () => {
  assert.equal(effect(ann, edited({ tag_ids: [] }), { tag: ["t1"] }), "moves");
  assert.equal(effect(ann, null, {}), "moves");
});

test("a row that the search found is still found while what it was found by stays", () => {
  // "dott" stands nowhere in the row: the server has its own reasons.
  assert.equal(effect(ann, edited({ notes: "x" }), { search: "dott" }), "here");
});

test("a new row moves others, an edited one only where it would lie among those on hand", () => {
  const fresh = { ...ann, updated_at: ann.created_at };
  assert.equal(effect(undefined, fresh), "moves");
  assert.equal(effect(undefined, edited({}), {}, nowhere), "none");
  assert.equal(effect(undefined, edited({}), {}, among), "moves");
});

test("whether a row that is not on hand was among the filtered, only the server knows", () => {
  assert.equal(effect(undefined, edited({ tag_ids: [] }), { tag: ["t1"] }), "unknown");
  assert.equal(effect(undefined, edited({}), { tag: ["t1"] }, nowhere), "unknown");
  assert.equal(effect(undefined, null, { tag: ["t1"] }), "unknown");
  assert.equal(effect(undefined, null, {}), "moves");
});

test("the list of deleted ones changes when something is deleted", () => {
  assert.equal(effect(undefined, null, { deleted: "true" }), "moves");
  assert.equal(effect(ann, edited({}), { deleted: "true" }), "moves");
});

test("a row is sorted by its text or its time", () => {
  assert.equal(sortKey(ann, { field: "company" }), "grosse & co");
  assert.equal(sortKey(ann, { field: "updated_at" }), 7);
  assert.equal(sortKey({ id: "x" }, { field: "last_name" }), "");
});
