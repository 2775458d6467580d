import assert from "node:assert/strict";
import { test } from "node:test";
import { changedSet, nameOf, overlaid, withChanges } from "../../../public/js/core/overlay.js";

const row = {
  id: "contact-1",
  version: 7,
  first_name: "Mia",
  last_name: "Keller",
  display_name: "Mia Keller",
  tag_ids: ["a", "b"],
  custom: { size: "L", colour: "red" },
};
const update = (changes) => ({ event: "contact_update", payload: { id: row.id, changes } });

test("unsent edits lie over the server's row, the last on top", () => {
  const shown = overlaid(row, [update({ company: "A" }), update({ company: "B" })], "contact");
  assert.equal(shown.company, "B");
  assert.equal(shown.pending, true);
  assert.equal(row.company, undefined);
});

test("a row without unsent edits is shown as it is", () => {
  assert.equal(overlaid(row, [], "contact"), row);
  assert.equal(overlaid(undefined, [], "contact"), undefined);
});

test("a contact that is made here is shown before the server has it", () => {
  const create = {
    event: "contact_create",
    payload: { contact: { id: "contact-2", first_name: "Ada", last_name: "King" } },
  };
  const shown = overlaid(undefined, [create], "contact");
  assert.equal(shown.display_name, "Ada King");
  assert.equal(shown.version, 0);
});

test("a contact that is deleted here is not shown, and is when it is put back", () => {
  const remove = { event: "contact_delete", payload: { id: row.id } };
  const restore = { event: "contact_restore", payload: { id: row.id } };
  assert.equal(overlaid(row, [remove], "contact"), undefined);
  assert.equal(overlaid(row, [remove, restore], "contact").first_name, "Mia");
});

test("sets take additions and removals, or a whole list", () => {
  assert.deepEqual(changedSet(["a", "b"], { add: ["c"], remove: ["a"] }), ["b", "c"]);
  assert.deepEqual(changedSet(["a"], { add: ["a"] }), ["a"]);
  assert.deepEqual(changedSet(["a"], ["z"]), ["z"]);
  assert.deepEqual(changedSet(undefined, null), []);
});

test("custom fields change one by one, and null takes one away", () => {
  const changed = withChanges(row, { custom: { size: null, shoe: "42" } });
  assert.deepEqual(changed.custom, { colour: "red", shoe: "42" });
});

test("the name follows what it is made of", () => {
  assert.equal(withChanges(row, { last_name: "Kell" }).display_name, "Mia Kell");
  assert.equal(nameOf({ company: "Keller Ltd" }), "Keller Ltd");
  assert.equal(nameOf({ emails: [{ value: "a@example.com" }] }), "a@example.com");
  assert.equal(nameOf({ phones: [{ value: "0151" }] }), "0151");
  assert.equal(nameOf({}), "");
});
