import assert from "node:assert/strict";
import { test } from "node:test";

import { editLines } from "../../../public/js/imports/edit_words.js";

const store = {
  label: (entity, id) => (id === "vip" && entity === "tag" ? { name: "VIP" } : undefined),
  agentName: (id) => (id === "ann" ? "Ann Lee" : "somebody"),
};

test("an edit says of which contacts it was", () => {
  const which = (options) => editLines({ delete: true, ...options }, store)[0];
  assert.deepEqual(which({ ids: 1 }), ["Which contacts", "1 chosen contact"]);
  assert.deepEqual(which({ filter: {} }), ["Which contacts", "All"]);
  assert.deepEqual(which({ filter: { owner_id: "none" } })[1], "All that matched: owner nobody");
  const filter = { words: ["Lee", "1"], tag: ["vip", "New"], has_email: true, owner_id: "ann" };
  assert.deepEqual(which({ filter }), [
    "Which contacts",
    "All that matched: search “Lee 1”; tag VIP or New; has an e-mail yes; owner Ann Lee",
  ]);
});

test("an edit says what was done to them", () => {
  const changes = {
    company: "Lee Ltd",
    notes: null,
    owner_id: "ann",
    tag_ids: { add: ["vip"], remove: ["gone"] },
    group_ids: [],
    phones: [{ label: "work", value: "1" }],
    custom: { Size: null, Shoe: 42 },
    preferences: { email: "opted_out" },
  };
  assert.deepEqual(editLines({ ids: 2, changes }, store).slice(1), [
    ["Company", "Lee Ltd"],
    ["Notes", "cleared"],
    ["Owner", "Ann Lee"],
    ["Tags", "added: VIP; taken away: a deleted tag"],
    ["Groups", "cleared"],
    ["Phones", "work: 1"],
    ["Custom field “Size”", "cleared"],
    ["Custom field “Shoe”", "42"],
    ["Consent: e-mail", "opted out"],
  ]);
  assert.deepEqual(editLines({ ids: 2, delete: true }, store)[1], [
    "What was done",
    "They were deleted",
  ]);
});

test("a merge is told by its title alone, and an import is no edit", () => {
  const merge = { plural: "groups", from_name: "A", into_name: "B" };
  assert.deepEqual(editLines({ merge, filter: {}, changes: {} }, store), []);
  assert.deepEqual(editLines({ mode: "upsert" }, store), []);
});
