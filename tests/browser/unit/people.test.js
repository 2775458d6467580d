import assert from "node:assert/strict";
import { test } from "node:test";
import {
  changesOf,
  codeFor,
  keysShown,
  lastUse,
  withKeys,
} from "../../../public/js/administration/people.js";

const KEYS = [
  { id: "1", agent_id: "ann", last_used_at: "2026-11-20T10:00:00.000Z", revoked_at: null },
  { id: "2", agent_id: "ann", last_used_at: null, revoked_at: null },
  {
    id: "3",
    agent_id: "ann",
    last_used_at: "2026-11-24T10:00:00.000Z",
    revoked_at: "2026-11-24T11:00:00.000Z",
  },
  { id: "4", agent_id: "ben", last_used_at: null, revoked_at: null },
];

test("an agent's keys are those that can be used, and the last use is that of any", () => {
  const [ann, ben, cid] = withKeys([{ id: "ann" }, { id: "ben" }, { id: "cid" }], KEYS);
  assert.deepEqual([ann.keys, ann.lastUsed], [2, "2026-11-24T10:00:00.000Z"]);
  assert.deepEqual([ben.keys, ben.lastUsed], [1, null]);
  assert.deepEqual([cid.keys, cid.lastUsed], [0, null]);
});

test("revoked keys are shown only to who asks for them", () => {
  const ids = (options) => keysShown(KEYS, options).map(({ id }) => id);
  assert.deepEqual(ids(), ["1", "2", "4"]);
  assert.deepEqual(ids({ agent: "ann" }), ["1", "2"]);
  assert.deepEqual(ids({ agent: "ann", revoked: true }), ["1", "2", "3"]);
});

test("the last use is told no finer than the server keeps it", () => {
  const now = Date.parse("2026-11-25T12:00:00Z");
  const ago = () => "2 hours ago";
  assert.equal(lastUse(null, ago, now), "never");
  assert.equal(lastUse("2026-11-25T11:30:00Z", ago, now), "within the hour");
  assert.equal(lastUse("2026-11-25T10:00:00Z", ago, now), "2 hours ago");
});

test("only what differs of an agent is sent", () => {
  const ann = { name: "Ann", role: "agent" };
  assert.equal(changesOf(ann, { name: " Ann ", role: "agent" }), null);
  assert.deepEqual(changesOf(ann, { name: "Ann Lee", role: "agent" }), { name: "Ann Lee" });
  assert.deepEqual(changesOf(ann, { name: "Ann", role: "api" }), { role: "api" });
});

test("a code is proposed of a name's plain letters", () => {
  assert.equal(codeFor("Zoë van Dam"), "zoe.van.dam");
  assert.equal(codeFor("  <img src=x> "), "img.src.x");
  assert.equal(codeFor("李明"), "");
  assert.equal(codeFor("a".repeat(80)).length, 64);
});
