import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Store } from "../../../public/js/core/store.js";

// The page's visibility is all that the store asks of a document.
globalThis.document = { hidden: true };

class Queue extends EventTarget {
  unsent = [];
  of(id) {
    return this.unsent.filter(({ row }) => row === id);
  }
  created(entity) {
    return this.unsent.filter(({ event }) => event === `${entity}_create`).map(({ row }) => row);
  }
}

const contact = (version, more = {}) => ({
  id: "contact-1",
  version,
  display_name: `Version ${version}`,
  ...more,
});
const put = (...rows) => ({ contacts: { put: rows, del: [] } });
const del = (version) => ({ contacts: { put: [], del: [{ id: "contact-1", version }] } });

let store;
let queue;

beforeEach(() => {
  queue = new Queue();
  store = new Store({}, new EventTarget(), queue);
});

test("a row moves only to a higher version, whatever comes last", () => {
  store.take("contact", [contact(5)]);
  store.apply(put(contact(7)));
  store.apply(put(contact(6)));
  store.take("contact", [contact(5)]);
  assert.equal(store.get("contact", "contact-1").version, 7);
});

test("every order of arrival ends in the same row", () => {
  const arrivals = [
    () => store.apply(put(contact(3))),
    () => store.apply(del(4)),
    () => store.take("contact", [contact(2)]),
    () => store.apply(put(contact(6))),
    () => store.take("contact", [contact(5)]),
  ];
  for (const order of permutations(arrivals)) {
    store = new Store({}, new EventTarget(), queue);
    // What is not on hand is not kept: a list has asked for it before.
    store.take("contact", [contact(1)]);
    for (const arrive of order) arrive();
    // After its deletion a contact is on hand again only once a list asked for it.
    const held = store.get("contact", "contact-1");
    if (held) assert.equal(held.version >= 5, true, `version ${held.version}`);
    store.take("contact", [contact(6)]);
    assert.equal(store.get("contact", "contact-1").version, 6);
  }
});

test("a deleted row does not come back by an answer that was on its way", () => {
  store.take("contact", [contact(3)]);
  store.apply(del(4));
  store.take("contact", [contact(3)]);
  assert.equal(store.get("contact", "contact-1"), undefined);
  assert.equal(store.tombstone("contact", "contact-1").version, 4);
});

test("contacts that nobody asked for are told of and not kept", async () => {
  const told = new Promise((resolve) => {
    store.addEventListener("changed", ({ detail }) => resolve(detail), { once: true });
  });
  store.apply(put(contact(9)));
  assert.equal(store.get("contact", "contact-1"), undefined);
  const news = (await told).get("contact");
  assert.deepEqual([...news.put], ["contact-1"]);
  assert.equal(news.rows.get("contact-1").version, 9);
});

test("what several change sets bring is told at once", async () => {
  const told = new Promise((resolve) => {
    store.addEventListener("changed", ({ detail }) => resolve(detail), { once: true });
  });
  store.apply(put(contact(1)));
  store.apply(put(contact(2)));
  store.apply(del(3));
  const news = (await told).get("contact");
  assert.deepEqual([[...news.put], [...news.del]], [[], ["contact-1"]]);
});

test("labels are all kept, by name, those that are made here, too", () => {
  const tag = (id, name, version = 1) => ({ id, name, version });
  store.apply({ tags: { put: [tag("tag-2", "beta"), tag("tag-1", "Alpha")], del: [] } });
  queue.unsent = [
    {
      event: "tag_create",
      row: "tag-3",
      payload: { tag: { id: "tag-3", name: "gamma" } },
    },
  ];
  const names = () => store.labels("tag").map(({ name }) => name);
  assert.deepEqual(names(), ["Alpha", "beta", "gamma"]);
  store.apply({ tags: { put: [tag("tag-1", "Zulu", 2)], del: [{ id: "tag-2", version: 2 }] } });
  assert.deepEqual(names(), ["gamma", "Zulu"]);
});

test("only so many contacts are on hand, the lately used ones", () => {
  const rows = Array.from({ length: 4_000 }, (_, n) => ({ id: `contact-${n}`, version: 1 }));
  store.take("contact", rows);
  store.get("contact", "contact-0");
  store.take("contact", [{ id: "one-more", version: 1 }]);
  assert.equal(store.get("contact", "contact-0").version, 1);
  assert.equal(store.get("contact", "contact-1"), undefined);
  assert.equal(store.get("contact", "one-more").version, 1);
});

function permutations(items) {
  if (items.length < 2) return [items];
  return items.flatMap((item, at) =>
    permutations(items.filter((_, other) => other !== at)).map((rest) => [item, ...rest]),
  );
}

class Server {
  labels = [];
  asked = 0;
  async all(path) {
    this.asked += 1;
    if (this.away) throw Object.assign(new Error("away"), { passing: true });
    const rows = path === "/api/tags" ? [...this.labels] : [];
    await this.reading?.();
    return rows;
  }
}

test("a label that comes while all are read stays", async () => {
  const server = new Server();
  store = new Store(server, new EventTarget(), queue);
  const tag = (id, version) => ({ id, version, name: id });
  server.labels = [tag("old", 1), tag("gone", 2)];
  await store.load();
  server.labels = [tag("old", 1)];
  server.reading = () => store.apply({ tags: { put: [tag("new", 3)], del: [] } });
  await store.load();
  assert.deepEqual(
    store.labels("tag").map(({ id }) => id),
    ["new", "old"],
  );
});

test("labels that could not be read are read with the next connection", async () => {
  const server = new Server();
  const connection = new EventTarget();
  store = new Store(server, connection, queue);
  server.away = true;
  await assert.rejects(store.load());
  assert.equal(store.loaded, false);
  server.away = false;
  connection.state = "online";
  connection.dispatchEvent(new Event("state"));
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(store.loaded, true);
  const { asked } = server;
  connection.dispatchEvent(new Event("state"));
  assert.equal(server.asked, asked);
});

test("what a restored database tells is newer than all before, whatever its version", () => {
  const connection = new EventTarget();
  store = new Store({}, connection, queue);
  store.take("contact", [contact(9)]);
  store.apply({ tags: { put: [], del: [{ id: "tag-1", version: 8 }] } });
  connection.dispatchEvent(new Event("epoch"));
  assert.equal(store.get("contact", "contact-1"), undefined);
  store.take("contact", [contact(5)]);
  store.take("tag", [{ id: "tag-1", version: 3, name: "VIP" }]);
  assert.equal(store.get("contact", "contact-1").version, 5);
  assert.deepEqual(
    store.labels("tag").map(({ name }) => name),
    ["VIP"],
  );
});
