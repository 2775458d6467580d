import assert from "node:assert/strict";
import { test } from "node:test";
import { rangeOf, Selection } from "../../../public/js/contacts/selection.js";

test("one is chosen, and left again", () => {
  const selection = new Selection();
  assert.ok(selection.empty);
  selection.toggle("a");
  assert.ok(selection.has("a"));
  assert.equal(selection.anchor, "a");
  selection.toggle("a");
  assert.ok(selection.empty);
});

test("all that match are counted by what matches, and need no ids", () => {
  const selection = new Selection();
  selection.toggle("a");
  selection.chooseAll();
  assert.equal(selection.count(4_211), 4_211);
  assert.ok(selection.has("never seen"));
  assert.deepEqual(selection.ids, []);
});

test("one that is left of all leaves those on hand chosen, by their ids", () => {
  const selection = new Selection();
  selection.chooseAll();
  selection.toggle("b", ["a", "b", "c"]);
  assert.equal(selection.all, false);
  assert.deepEqual(selection.ids, ["a", "c"]);
});

test("a range adds to what is chosen, whichever end is above", () => {
  assert.deepEqual(rangeOf(7, 3), [3, 7]);
  const selection = new Selection();
  selection.toggle("a");
  selection.add(["b", "c", "a"]);
  assert.equal(selection.count(100), 3);
});

test("what was deleted is not chosen any more, and each change is told", () => {
  const selection = new Selection();
  let told = 0;
  selection.addEventListener("changed", () => {
    told += 1;
  });
  selection.add(["a", "b"]);
  selection.remove(["a", "x"]);
  selection.remove(["x"]);
  assert.deepEqual(selection.ids, ["b"]);
  selection.clear();
  selection.clear();
  assert.equal(told, 3);
});
