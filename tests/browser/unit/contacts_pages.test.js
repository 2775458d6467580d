import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Pages, pagesOf } from "../../../public/js/contacts/pages.js";

/** A server of so many rows, that answers when it is told to. */
function server(total) {
  const asked = [];
  const read = (query, part, signal) =>
    new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
      const { offset = 0, limit } = part;
      const length = Math.max(0, Math.min(limit, total - offset));
      const items = Array.from({ length }, (_, at) => ({
        id: `${query.search ?? ""}${offset + at}`,
      }));
      asked.push({ query, part, signal, answer: () => resolve({ items, total }), reject });
    });
  return { asked, read };
}

async function shown(total, query = {}) {
  const { asked, read } = server(total);
  const pages = new Pages(read);
  const showing = pages.show(query);
  asked[0].answer();
  await showing;
  return { pages, asked };
}

test("rows lie on pages of a hundred", () => {
  assert.deepEqual(pagesOf(0, 0), [0]);
  assert.deepEqual(pagesOf(95, 105), [0, 1]);
  assert.deepEqual(pagesOf(90_010, 90_020), [900]);
});

test("the first page gives the count and its rows", async () => {
  const { pages } = await shown(1_000);
  assert.equal(pages.total, 1_000);
  assert.equal(pages.row(99).id, "99");
  assert.equal(pages.row(100), undefined);
  assert.equal(pages.indexOf("42"), 42);
});

test("where the window rests, what is missing is asked for, once", async () => {
  const { pages, asked } = await shown(100_000);
  for (let first = 0; first < 90_000; first += 500) pages.want(first, first + 30);
  pages.want(90_080, 90_120);
  await pause(100);
  assert.deepEqual(
    asked.slice(1).map(({ part }) => part.offset),
    [90_000, 90_100],
  );
  for (const each of asked.slice(1)) each.answer();
  await pause(1);
  assert.equal(pages.row(90_100).id, "90100");
});

test("what the window has left is not waited for", async () => {
  const { pages, asked } = await shown(100_000);
  pages.want(5_000, 5_030);
  await pause(100);
  pages.want(70_000, 70_030);
  await pause(100);
  assert.equal(asked[1].signal.aborted, true);
  assert.equal(pages.error, null);
});

test("a late answer never takes the place of a newer one", async () => {
  const { asked, read } = server(300);
  const pages = new Pages(read);
  const first = pages.show({ search: "a" });
  const second = pages.show({ search: "ab" });
  asked[1].answer();
  asked[0].answer();
  await Promise.all([first, second]);
  assert.equal(pages.row(0).id, "ab0");
  assert.deepEqual(pages.list.query, { search: "ab" });
});

test("at most twenty pages are kept, and those of the window always", async () => {
  const { pages, asked } = await shown(100_000);
  for (let page = 1; page <= 25; page++) {
    pages.want(page * 100, page * 100 + 30);
    await pause(70);
    asked.at(-1).answer();
    await pause(1);
  }
  assert.equal(pages.list.pages.size, 20);
  assert.equal(pages.row(2_500).id, "2500");
  assert.equal(pages.row(0), undefined);
});

test("a refresh reads what the window lies over, and is asked once more if it was meanwhile", async () => {
  const { pages, asked } = await shown(1_000);
  pages.want(190, 220);
  await pause(100);
  for (const each of asked.slice(1)) each.answer();
  await pause(1);
  const before = asked.length;
  pages.refresh();
  pages.refresh();
  pages.refresh();
  assert.deepEqual(
    asked.slice(before).map(({ part }) => part.offset),
    [100, 200],
  );
  for (const each of asked.slice(before)) each.answer();
  await pause(1);
  assert.equal(asked.length, before + 4);
});

test("why a search failed is told until it is answered", async () => {
  const { pages, asked } = await shown(10);
  const failure = Object.assign(new Error("Away."), { passing: false });
  const showing = pages.show({ search: "x" });
  asked.at(-1).reject(failure);
  await showing;
  assert.equal(pages.refusal, failure);
  const again = pages.show({ search: "x" });
  asked.at(-1).answer();
  await again;
  assert.equal(pages.refusal, null);
});

test("the ids of a range are those on hand and those that are asked for", async () => {
  const { pages, asked } = await shown(1_000);
  const range = pages.idsBetween(95, 250);
  asked.at(-1).answer();
  const ids = await range;
  assert.equal(ids.length, 156);
  assert.equal(ids[0], "95");
  assert.equal(ids.at(-1), "250");
});
