import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Session } from "../../../public/js/core/session.js";

const KEY = "fieldbook.api_key";

/** A browser's storage, which may be full. */
class Shelf extends Map {
  isFull = false;
  getItem(name) {
    return this.get(name) ?? null;
  }
  setItem(name, value) {
    if (this.isFull) throw new DOMException("It is full.", "QuotaExceededError");
    this.set(name, value);
  }
  removeItem(name) {
    this.delete(name);
  }
}

const rest = { get: async () => ({ agent: { role: "agent" }, tenant: "t", key_id: "k" }) };

beforeEach(() => {
  globalThis.localStorage = new Shelf();
  globalThis.sessionStorage = new Shelf();
});

test("all tabs of a browser are one writer, whoever signs in", async () => {
  const one = new Session();
  const two = new Session();
  assert.match(one.writerId, /^[A-Za-z0-9_-]{21}$/);
  assert.equal(two.writerId, one.writerId);
  await one.signIn(rest, "fb_one", { stay: true });
  one.signOut();
  assert.equal(new Session().writerId, one.writerId);
});

test("a browser has a writer id also without room, or if somebody spoilt it", () => {
  localStorage.setItem("fieldbook.writer_id", "no id at all");
  assert.match(new Session().writerId, /^[A-Za-z0-9_-]{21}$/);
  localStorage.clear();
  localStorage.isFull = true;
  assert.match(new Session().writerId, /^[A-Za-z0-9_-]{21}$/);
});

test("who signs out late takes no other key away", async () => {
  const late = new Session();
  await late.signIn(rest, "fb_one", { stay: true });
  const other = new Session();
  other.signOut();
  await other.signIn(rest, "fb_two", { stay: true });
  assert.equal(late.kept, false);
  late.signOut();
  assert.equal(localStorage.getItem(KEY), "fb_two");
});

test("a key that could not be kept signs nobody in", async () => {
  sessionStorage.isFull = true;
  const session = new Session();
  await assert.rejects(session.signIn(rest, "fb_one"), { name: "QuotaExceededError" });
  assert.deepEqual([session.apiKey, session.agent], [null, null]);
});
