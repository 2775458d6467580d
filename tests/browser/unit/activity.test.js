import assert from "node:assert/strict";
import { test } from "node:test";

import { byDay, Feed } from "../../../public/js/activity/feed.js";
import { sentenceOf, shownChanges, whoOf } from "../../../public/js/activity/words.js";

const entry = (id, fields = {}) => ({ id: String(id), at: "2026-11-25T10:00:00Z", ...fields });
const page = (ids, next_cursor = "more") => ({ items: ids.map((id) => entry(id)), next_cursor });
const idsOf = (entries) => entries.map(({ id }) => Number(id));

test("new entries wait until they are shown, and come on top", () => {
  const feed = new Feed();
  feed.begin(page([9, 8]));
  assert.equal(feed.take(page([11, 10, 9]).items), true);
  assert.deepEqual(idsOf(feed.entries), [9, 8]);
  assert.deepEqual(idsOf(feed.waiting), [11, 10]);
  feed.show();
  assert.deepEqual(idsOf(feed.entries), [11, 10, 9, 8]);
  assert.deepEqual(feed.waiting, []);
});

test("an entry that is seen late takes its place below newer ones", () => {
  const feed = new Feed();
  feed.begin(page([12, 10]));
  feed.take(page([12, 11, 10]).items);
  feed.show();
  assert.deepEqual(idsOf(feed.entries), [12, 11, 10]);
});

test("the same entries again are none", () => {
  const feed = new Feed();
  feed.begin(page([3, 2]));
  feed.take(page([4, 3, 2]).items);
  feed.take(page([4, 3, 2]).items);
  assert.deepEqual(idsOf(feed.waiting), [4]);
});

test("a page of nothing but new entries does not join on", () => {
  const feed = new Feed();
  feed.begin(page([2, 1]));
  assert.equal(feed.take(page([9, 8]).items), false);
  assert.equal(feed.take(page([7, 2]).items), true);
  assert.deepEqual(idsOf(feed.waiting), [9, 8, 7]);
});

test("entries older than those on hand are for Show older alone", () => {
  const feed = new Feed();
  feed.begin(page([5, 4]));
  assert.equal(feed.take(page([5, 4, 3]).items), true);
  assert.deepEqual(feed.waiting, []);
  feed.more(page([4, 3, 2], null));
  assert.deepEqual(idsOf(feed.entries), [5, 4, 3, 2]);
  assert.equal(feed.full, true);
});

test("an empty list takes its first entries", () => {
  const feed = new Feed();
  feed.begin(page([], null));
  assert.equal(feed.take([]), true);
  feed.take(page([1]).items);
  feed.show();
  assert.deepEqual(idsOf(feed.entries), [1]);
});

test("a list that grew all day begins anew with the newest page", () => {
  const feed = new Feed();
  const many = Array.from({ length: 400 }, (_, index) => 400 - index);
  feed.begin(page(many, "old"));
  feed.take(page([401, 400]).items);
  feed.show(page([401, 400], "new"));
  assert.deepEqual(idsOf(feed.entries), [401, 400]);
  assert.equal(feed.cursor, "new");
});

test("entries are parted by day, in their order", () => {
  const entries = [entry(3, { at: "b" }), entry(2, { at: "a" }), entry(1, { at: "a" })];
  assert.deepEqual(
    byDay(entries, (at) => at).map(([day, ofDay]) => [day, idsOf(ofDay)]),
    [
      ["b", [3]],
      ["a", [2, 1]],
    ],
  );
});

const router = { href: (path) => `#${path}` };
const deviceName = (id) => `name of ${id}`;
const done = (fields) =>
  sentenceOf({ outcome: "applied", changes: {}, label: null, ...fields }, { router, deviceName });

test("a sentence says what was done to what, with its page", () => {
  assert.deepEqual(done({ op: "update", entity: "contact", entity_id: "c/1", label: "Mia" }), {
    verb: "edited",
    thing: "the contact",
    name: "Mia",
    href: "#/contacts/c%2F1",
  });
});

test("a device is named as the list names it, and has its page", () => {
  const { name, href } = done({ op: "revoke", entity: "device", entity_id: "d1", label: "Old" });
  assert.equal(name, "name of d1");
  assert.equal(href, "#/devices/d1");
});

test("what says it all names nothing", () => {
  const sentence = done({
    op: "sign_in",
    entity: "agent",
    changes: { address: { to: "10.0.0.1" } },
  });
  assert.deepEqual(sentence, {
    verb: "signed in from 10.0.0.1",
    thing: null,
    name: null,
    href: null,
  });
  assert.equal(done({ op: "settings", entity: "tenant" }).thing, "the company");
});

test("what was not kept was only wanted", () => {
  assert.equal(done({ op: "update", entity: "contact", outcome: "lost" }).verb, "wanted to edit");
  assert.equal(done({ op: "of_later_days", entity: "thing" }).verb, "of later days");
});

test("who it was is an agent, the server, or somebody in the database", () => {
  const store = { agentName: (id) => `agent ${id}` };
  assert.equal(whoOf({ agent: "a", origin: "socket" }, store), "agent a");
  assert.equal(whoOf({ agent: null, origin: "job" }, store), "The server");
  assert.equal(whoOf({ agent: null, origin: "sql" }, store), "Somebody in the database");
});

test("changes that the sentence says are not said twice", () => {
  const changes = { deleted: { from: false, to: true }, notes: { to: "x" } };
  const shown = (fields) => Object.keys(shownChanges({ outcome: "applied", changes, ...fields }));
  assert.deepEqual(shown({ op: "delete" }), ["notes"]);
  assert.deepEqual(shown({ op: "update" }), ["deleted", "notes"]);
  assert.deepEqual(shown({ op: "delete", outcome: "lost" }), ["deleted", "notes"]);
});
