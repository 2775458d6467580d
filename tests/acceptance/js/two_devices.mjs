// Two devices with the official client: a change made on one is on the other, at once or, after
// its line was cut, by catching up with just what it missed.
//
//   node two_devices.mjs URL API_KEY TRANSPORTS
//
// TRANSPORTS: "websocket", "polling", or "polling,websocket" (polling first, then an upgrade).
// Says "done" and ends with 0, or throws.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { gunzipSync } from "node:zlib";
import { io } from "socket.io-client";

const [url, apiKey, names] = process.argv.slice(2);
const transports = names.split(",");
const TIMEOUT = 30_000;
const run = randomUUID();

class Device {
  constructor(id, auth, options = {}) {
    this.auth = { api_key: apiKey, device_id: id, ...auth };
    this.rows = new Map();
    this.cursor = 0;
    this.epoch = undefined;
    this.received = [];
    this.pages = [];
    this.socket = io(url, {
      transports,
      forceNew: true,
      reconnectionDelay: 300,
      reconnectionDelayMax: 300,
      randomizationFactor: 0,
      ...options,
    });
    this.socket.onAny((event, payload, acknowledge) => {
      this.received.push([event, payload]);
      if (event === "sync_response") {
        this.pages.push(payload);
        const zipped = payload.gzip && JSON.parse(gunzipSync(payload.gzip));
        this.apply({ ...payload, ...zipped });
        acknowledge?.();
      } else if (event === "authenticated") {
        this.epoch = payload.epoch;
      } else if (event === "sync_complete") {
        this.cursor = payload.version;
      } else if (event === "changes") {
        this.live(payload, payload);
      } else if (event === "contact_created" || event === "contact_updated") {
        this.live(payload, { contacts: { put: [payload.contact], del: [] } });
      } else if (event === "contact_deleted") {
        this.live(payload, { contacts: { put: [], del: [payload] } });
      }
    });
  }

  apply({ contacts }) {
    for (const row of contacts?.put ?? []) {
      if (row.version > (this.rows.get(row.id)?.version ?? 0)) this.rows.set(row.id, row);
    }
    for (const { id } of contacts?.del ?? []) this.rows.delete(id);
  }

  live({ since, until }, set) {
    this.apply(set);
    if (since <= this.cursor) this.cursor = Math.max(this.cursor, until);
  }

  call(event, payload) {
    return this.socket.timeout(TIMEOUT).emitWithAck(event, payload);
  }

  async signIn() {
    const answer = await this.call("auth", this.auth);
    assert.equal(answer.ok, true, JSON.stringify(answer));
    this.epoch = answer.epoch;
  }

  async sync(options = {}) {
    this.pages = [];
    const request = { since: this.cursor, epoch: this.epoch, stream: true, ...options };
    const complete = once(this.socket, "sync_complete");
    const answer = await this.call("sync_request", request);
    assert.equal(answer.ok, true, JSON.stringify(answer));
    const [{ epoch, checksum }] = await complete;
    this.epoch = epoch;
    let sum = 0;
    for (const row of this.rows.values()) sum += row.version;
    assert.deepEqual(checksum.contacts, { count: this.rows.size, sum });
    return answer;
  }

  // Waits until `holds` is true of this device.
  async until(holds, what) {
    const deadline = Date.now() + TIMEOUT;
    while (!holds()) {
      assert.ok(Date.now() < deadline, `${what}: ${JSON.stringify(this.received)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async create(fields) {
    const answer = await this.call("contact_create", { contact: fields });
    assert.equal(answer.status, "applied", JSON.stringify(answer));
    return answer.contact;
  }
}

function sortedRows(device) {
  return [...device.rows.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
}

function transportOf(device) {
  return device.socket.io.engine.transport.name;
}

// A wrong key is refused at CONNECT, with an object that says why.
const stranger = new Device(`none-${run}`, {}, { auth: { api_key: "fb_nobody-has-this-key" } });
const [refusal] = await once(stranger.socket, "connect_error");
assert.equal(refusal.data.ok, false);
assert.equal(refusal.data.error.code, "unauthenticated");
assert.equal(refusal.message, refusal.data.error.message);
stranger.socket.close();

// The first signs in by event and takes sets; the second in CONNECT, and takes single events.
const first = new Device(`one-${run}`, { batch: true });
await once(first.socket, "connect");
await first.signIn();
const secondAuth = { api_key: apiKey, device_id: `two-${run}` };
const second = new Device(`two-${run}`, {}, { auth: secondAuth });
const [authenticated] = await once(second.socket, "authenticated");
assert.equal(authenticated.device_id, `two-${run}`);

const before = await first.create({ first_name: "Before", custom: { text: "é😀\u2028" } });
await first.sync();
await second.sync({ compress: "gzip", limit: 1 });
assert.deepEqual(second.rows.get(before.id), before);

// Live, both ways, while a polling client may still be becoming a WebSocket.
const live = [];
for (let number = 0; number < 30; number += 1) {
  const author = number % 2 ? second : first;
  live.push(await author.create({ company: `Company ${number}` }));
}
for (const device of [first, second]) {
  await device.until(() => device.cursor === live.at(-1).version, "live changes");
  for (const contact of live) assert.deepEqual(device.rows.get(contact.id), contact);
}
assert.ok(first.received.some(([event]) => event === "changes"));
assert.ok(second.received.some(([event]) => event === "contact_created"));
await second.until(() => transportOf(second) === transports.at(-1), "the upgrade");

// Many events at once, on whatever transport, are all answered.
const answers = await Promise.all(
  Array.from({ length: 100 }, () => second.call("ping", { cursor: second.cursor })),
);
assert.ok(answers.every((answer) => answer.ok));

// The plug is pulled, and the second comes back by itself, signed in as before.
const back = once(second.socket, "authenticated");
second.socket.io.engine.close();
await back;

// Pulled again and kept out, it catches up with just what it missed while the first went on.
const mutation = { mutation_id: `edit-${run}`, id: live[1].id, changes: { notes: "mine" } };
assert.equal((await second.call("contact_update", mutation)).status, "applied");
await first.until(() => first.rows.get(live[1].id).notes === "mine", "the edit");
await second.until(() => second.cursor === first.cursor, "the edit's own event");
const cut = once(second.socket, "disconnect");
second.socket.io.reconnection(false);
second.socket.io.engine.close();
await cut;
second.received = [];
const edit = { id: before.id, changes: { company: "Edited" } };
assert.equal((await first.call("contact_update", edit)).status, "applied");
await first.call("contact_delete", { id: live[0].id });
const missed = await first.create({ first_name: "Missed" });
const signedIn = once(second.socket, "authenticated");
second.socket.io.reconnection(true);
second.socket.connect();
await signedIn;
const answer = await second.sync();
assert.equal(answer.total, 3);
const [page] = second.pages;
assert.equal(second.pages.length, 1);
assert.deepEqual(
  page.contacts.put.map((row) => row.id),
  [before.id, missed.id],
);
assert.deepEqual(
  page.contacts.del.map((row) => row.id),
  [live[0].id],
);
assert.equal(second.rows.get(before.id).company, "Edited");
assert.equal(second.rows.has(live[0].id), false);

// What it had not heard back of it may send again: it is applied once.
assert.equal((await second.call("contact_update", mutation)).status, "duplicate");

// And live again.
const last = await first.create({ first_name: "Last" });
for (const device of [first, second]) {
  await device.until(() => device.cursor === last.version, "the last contact");
}
assert.deepEqual(sortedRows(second), sortedRows(first));

first.socket.close();
second.socket.close();
console.log("done");
