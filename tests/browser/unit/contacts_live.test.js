import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { LiveChanges } from "../../../public/js/contacts/live.js";
import { Pages } from "../../../public/js/contacts/pages.js";

const store = { label: () => undefined };
const row = (name, version = 1, changes = {}) => ({
  id: name,
  version,
  display_name: name,
  created_at: "2026-11-01T10:00:00.000Z",
  updated_at: `2026-11-02T10:00:0${version}.000Z`,
  ...changes,
});
const put = (...rows) => ({ rows: new Map(rows.map((each) => [each.id, each])), del: new Set() });
const fresh = (name, version) =>
  row(name, version, { created_at: `2026-11-02T10:00:0${version}.000Z` });
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A list of the rows that `held` has at the time, and what is live in it. */
async function opened(held, { calm = false, query = {} } = {}) {
  const asked = [];
  const pages = new Pages((_query, part) => {
    const answer = {
      items: held.slice(part.offset ?? 0, (part.offset ?? 0) + part.limit),
      total: held.length,
    };
    return new Promise((resolve) => asked.push({ part, answer: () => resolve(answer) }));
  });
  const state = { calm };
  const live = new LiveChanges(pages, store, () => state.calm);
  const showing = pages.show(query);
  asked.shift().answer();
  await showing;
  return { pages, live, asked, state };
}

test("an edit that moves nothing is taken in place, and glows for a moment", async (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const { pages, live } = await opened([row("Ann"), row("Ben")]);
  live.take(put(row("Ben", 2, { job_title: "Head" })));
  assert.equal(pages.row(1).job_title, "Head");
  assert.equal(live.waiting, 0);
  assert.ok(live.glows("Ben"));
  mock.timers.tick(2_000);
  assert.ok(!live.glows("Ben"));
});

test("an older state of a row, which may come late, changes nothing", async () => {
  const { pages, live } = await opened([row("Ann", 5)]);
  live.take(put(row("Ann", 4, { job_title: "Old" })));
  assert.equal(pages.row(0).job_title, undefined);
  live.close();
});

test("what moves rows waits until it is calm, each row counted once", async (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const held = [row("Ann"), row("Ben")];
  const { pages, live, asked, state } = await opened(held);
  live.take(put(fresh("Al", 3)));
  live.take(put(fresh("Al", 4), row("Ben", 5, { display_name: "Abe" })));
  assert.equal(live.waiting, 2);
  live.tick();
  assert.equal(asked.length, 0);
  held.unshift(fresh("Al", 4));
  state.calm = true;
  live.tick();
  asked.shift().answer();
  await settled();
  assert.equal(pages.row(0).id, "Al");
  assert.equal(live.waiting, 0);
});

test("what changes while the list is read again is not taken for read", async (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const { live, asked } = await opened([row("Ann")]);
  live.take(put(fresh("Al", 3)));
  live.apply();
  live.take(put(fresh("Abe", 4)));
  asked.shift().answer();
  await settled();
  assert.equal(live.waiting, 1);
});

test("what only the server can count is counted, again if it changes meanwhile", async (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const held = [];
  const { pages, live, asked } = await opened(held, { query: { search: "a" } });
  live.take(put(row("Ann", 2)));
  mock.timers.tick(3_000);
  const first = asked.shift();
  live.take(put(row("Abe", 3)));
  first.answer();
  await settled();
  held.push(row("Abe", 3), row("Ann", 2));
  mock.timers.tick(3_000);
  asked.shift().answer();
  await settled();
  assert.equal(pages.total, 2);
  assert.equal(live.waiting, 2);
});
