import assert from "node:assert/strict";
import { test } from "node:test";
import { Kept } from "../../../public/js/core/kept.js";
import { withoutLater } from "../../../public/js/core/refusals.js";
import { waitOf } from "../../../public/js/core/sender.js";

/** What a browser's storage does, with answers that come when the test lets them. */
class Shelf {
  rows = new Map();
  #last = 0;
  #gate = Promise.resolve();

  hold() {
    let letGo;
    this.#gate = new Promise((resolve) => {
      letGo = resolve;
    });
    return letGo;
  }
  async add(_store, row) {
    const sequence = ++this.#last;
    this.rows.set(sequence, { ...row, sequence });
    return sequence;
  }
  async getAllFromIndex() {
    const all = structuredClone([...this.rows.values()]);
    await this.#gate;
    return all;
  }
  async delete(_store, sequence) {
    this.rows.delete(sequence);
  }
}

const mutation = (row) => ({ agent: "ann", event: "tag_delete", row, payload: { id: row } });
const rowsOf = (kept) => kept.queue.map(({ row }) => row);

test("what another tab took out of the queue is not in it any more", async () => {
  const shelf = new Shelf();
  const [one, two] = [new Kept(shelf, "ann"), new Kept(shelf, "ann")];
  await one.add(mutation("tag-one"));
  await two.load();
  assert.deepEqual(rowsOf(two), ["tag-one"]);
  await shelf.delete("mutations", 1);
  for (const tab of [one, two]) {
    await tab.load();
    assert.deepEqual(rowsOf(tab), []);
  }
});

test("what is added while the queue is read anew stays in it", async () => {
  const shelf = new Shelf();
  const kept = new Kept(shelf, "ann");
  await kept.add(mutation("tag-one"));
  const letGo = shelf.hold();
  const reading = kept.load();
  await kept.add(mutation("tag-two"));
  letGo();
  await reading;
  assert.deepEqual(rowsOf(kept), ["tag-one", "tag-two"]);
});

test("what is judged while something old is being forgotten does not come back", async () => {
  const shelf = new Shelf();
  const kept = new Kept(shelf, "ann");
  const longAgo = { ...mutation("tag-old"), acknowledged: Date.now() - 8 * 86_400_000 };
  await shelf.add("mutations", longAgo);
  const judged = mutation("tag-one");
  await kept.add(judged);
  const forget = shelf.delete.bind(shelf);
  let letGo;
  const asked = new Promise((begun) => {
    shelf.delete = async (...names) => {
      begun();
      await new Promise((go) => {
        letGo = go;
      });
      return forget(...names);
    };
  });
  const reading = kept.load();
  await asked;
  shelf.rows.set(judged.sequence, { ...judged, acknowledged: Date.now() });
  kept.forget(judged);
  letGo();
  await reading;
  assert.deepEqual(rowsOf(kept), []);
  assert.deepEqual([...shelf.rows.keys()], [judged.sequence]);
});

test("what was acknowledged a week ago is forgotten, unless its conflicts wait", async () => {
  const shelf = new Shelf();
  const kept = new Kept(shelf, "ann");
  const longAgo = { ...mutation("tag-one"), acknowledged: Date.now() - 8 * 86_400_000 };
  await shelf.add("mutations", longAgo);
  await shelf.add("mutations", { ...longAgo, row: "contact-1", conflicts: [{ field: "company" }] });
  await kept.load();
  assert.deepEqual(
    [...shelf.rows.values()].map(({ row }) => row),
    ["contact-1"],
  );
  assert.deepEqual(rowsOf(kept), []);
});

test("a wait ends, also when the clock was set back meanwhile", () => {
  const now = 1_000_000_000;
  assert.equal(waitOf({}, now), 0);
  assert.equal(waitOf({ not_before: now + 6_000 }, now), 6_000);
  assert.equal(waitOf({ not_before: now }, now), 0);
  assert.equal(waitOf({ not_before: now + 6_000 }, now - 86_400_000), 0);
});

test("of a refused edit is left what no later one wrote anew", () => {
  const refused = {
    company: "A",
    notes: "n",
    emails: [{ value: "bad" }],
    custom: { size: "L", add: "x" },
    tag_ids: { add: ["t1", "t2"], remove: ["t3"] },
    group_ids: { add: ["g1"] },
  };
  const left = withoutLater(refused, [
    { company: "B", custom: { size: null } },
    { tag_ids: { add: ["t3"], remove: ["t1"] }, group_ids: null },
  ]);
  assert.deepEqual(left, {
    notes: "n",
    emails: [{ value: "bad" }],
    custom: { add: "x" },
    tag_ids: { add: ["t2"], remove: [] },
  });
});
