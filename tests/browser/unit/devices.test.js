import assert from "node:assert/strict";
import { test } from "node:test";

import { merged } from "../../../public/js/devices/entries.js";
import { inPlace, nextSort, sorted } from "../../../public/js/devices/order.js";
import { spansOf } from "../../../public/js/devices/spans.js";
import {
  amountText,
  behindText,
  CARDS,
  clockIsWrong,
  clockText,
  durationText,
  errorText,
  nameOf,
  outcomeText,
} from "../../../public/js/devices/words.js";

const device = (id, fields = {}) => ({
  id,
  name: null,
  model: null,
  agent: { name: "Ann" },
  state: "idle",
  last_seen: null,
  lag: { versions: 0, seconds: 0 },
  queue: { size: 0 },
  app_version: null,
  battery: null,
  network: null,
  clock_skew_ms: null,
  ...fields,
});
const ids = (devices) => devices.map(({ id }) => id);

test("versions of the app are sorted as numbers", () => {
  const devices = ["2.9", "2.10", "1.30.2"].map((version) =>
    device(version, { app_version: version }),
  );
  assert.deepEqual(ids(sorted(devices, "app")), ["1.30.2", "2.9", "2.10"]);
  assert.deepEqual(ids(sorted(devices, "-app")), ["2.10", "2.9", "1.30.2"]);
});

test("what is not known comes last, whichever way one sorts", () => {
  const devices = [device("none"), device("low", { battery: 0 }), device("high", { battery: 90 })];
  assert.deepEqual(ids(sorted(devices, "battery")), ["low", "high", "none"]);
  assert.deepEqual(ids(sorted(devices, "-battery")), ["high", "low", "none"]);
});

test("clocks are sorted by how wrong they are, either way", () => {
  const devices = [device("fast", { clock_skew_ms: -9 }), device("right", { clock_skew_ms: 1 })];
  assert.deepEqual(ids(sorted(devices, "-clock")), ["fast", "right"]);
});

test("without a column that there is, devices are in the order of their agents' codes", () => {
  const devices = [
    device("b", { agent: { code: "Zoe" } }),
    device("a", { agent: { code: "ann" } }),
  ];
  assert.deepEqual(ids(sorted(devices, "constructor")), ["a", "b"]);
  assert.deepEqual(ids(sorted(devices)), ["a", "b"]);
});

test("newer states stay in their places, and new devices come last", () => {
  const shown = [device("b"), device("gone"), device("a")];
  const fresh = [device("a", { state: "online" }), device("new"), device("b")];
  const placed = inPlace(shown, fresh);
  assert.deepEqual(ids(placed), ["b", "a", "new"]);
  assert.equal(placed[1].state, "online");
});

test("a column's name sorts up, down, and not at all", () => {
  assert.equal(nextSort("", "app"), "app");
  assert.equal(nextSort("app", "app"), "-app");
  assert.equal(nextSort("-app", "app"), "");
  assert.equal(nextSort("-name", "app"), "app");
});

test("each card counts what it filters by", () => {
  const health = { states: { late: 3 }, app_outdated: 5, queue_stuck: 1 };
  assert.equal(CARDS.late.count(health), 3);
  assert.deepEqual(CARDS.late.query, { state: "late" });
  assert.equal(CARDS.app_outdated.count(health), 5);
  assert.deepEqual(CARDS.queue_stuck.query, { queue_stuck: true });
  assert.equal(CARDS.missing.count(health), 0);
});

test("a device is called by its name, else its model, else its id", () => {
  assert.equal(nameOf(device("d1", { name: "Ann's", model: "Pixel" })), "Ann's");
  assert.equal(nameOf(device("d1", { model: "Pixel" })), "Pixel");
  assert.equal(nameOf(device("d1")), "d1");
});

test("a clock is wrong when it is more than a minute off, and told slow or fast", () => {
  assert.equal(clockIsWrong(60_000), false);
  assert.equal(clockIsWrong(-60_001), true);
  assert.equal(clockIsWrong(null), false);
  assert.equal(clockText(120_000), "2 min slow");
  assert.equal(clockText(-3_000), "3 s fast");
  assert.equal(clockText(40), "right");
  assert.equal(clockText(null), "");
});

test("how far a device is behind is told in versions and time", () => {
  assert.equal(behindText({ versions: 0, seconds: 0 }), "up to date");
  assert.equal(behindText({ versions: 1, seconds: 180 }), "1 version, 3 min");
});

test("entries say how they ended", () => {
  assert.equal(outcomeText({ kind: "connection", ended: null }, true), "Still open");
  assert.equal(outcomeText({ kind: "connection", ended: null }), "No end noted");
  assert.equal(
    outcomeText({ kind: "connection", ended: "x", outcome: "device_revoked" }),
    "The device was revoked",
  );
  assert.equal(outcomeText({ kind: "sync", outcome: "complete" }), "Complete");
  assert.equal(outcomeText({ kind: "push", outcome: "2 refused" }), "2 refused");
  assert.equal(outcomeText({ kind: "refused", outcome: "contact_update" }), "contact_update");
});

test("every error has plain words, one that is not known its code", () => {
  assert.match(errorText("gone"), /deleted/);
  assert.match(errorText("of_later_days"), /of_later_days/);
});

test("amounts and lengths are told in what people read", () => {
  assert.equal(amountText({ kind: "sync", rows: 1_200, bytes: 240_400 }), "1,200 rows, 240 kB");
  assert.equal(amountText({ kind: "push", rows: 1, bytes: null }), "1 edit");
  assert.equal(amountText({ kind: "connection", rows: null, bytes: null }), "");
  assert.equal(durationText("2026-11-25T10:00:00Z", "2026-11-25T10:00:00.084Z"), "84 ms");
  assert.equal(durationText("2026-11-25T10:00:00Z", null), "");
});

test("a day's line has its connections and marks in minutes", () => {
  const items = [
    { kind: "connection", started: "2026-11-25T01:00:00Z", ended: "2026-11-25T02:00:00Z" },
    { kind: "sync", started: "2026-11-25T01:00:30Z", error_code: "unavailable" },
  ];
  assert.deepEqual(spansOf(items, "2026-11-25"), {
    connections: [{ from: 60, length: 60 }],
    marks: [{ at: 60.5, kind: "sync", failed: true }],
  });
});

test("a connection is drawn no further than its day and until now", () => {
  const into = {
    kind: "connection",
    started: "2026-11-24T23:00:00Z",
    ended: "2026-11-25T01:00:00Z",
  };
  const open = { kind: "connection", started: "2026-11-25T22:00:00Z", ended: null };
  const now = Date.parse("2026-11-25T23:00:00Z");
  assert.deepEqual(spansOf([into, open], "2026-11-25", { open, now }).connections, [
    { from: 0, length: 60 },
    { from: 1_320, length: 60 },
  ]);
  const late = {
    kind: "connection",
    started: "2026-11-25T23:59:30Z",
    ended: "2026-11-26T09:00:00Z",
  };
  assert.deepEqual(spansOf([late], "2026-11-25").connections, [{ from: 1_439.5, length: 0.5 }]);
});

test("a connection of which no end was noted is not drawn as if it stood", () => {
  const lost = { kind: "connection", started: "2026-11-25T22:00:00Z", ended: null };
  assert.deepEqual(spansOf([lost], "2026-11-25").connections, [{ from: 1_320, length: 3 }]);
});

test("the newest entries are put over those that are known, each once", () => {
  const entry = (id, started, ended = null) => ({ id, started: `2026-11-25T${started}Z`, ended });
  const known = [entry("b", "10:00:00"), entry("a", "09:00:00")];
  const fresh = [entry("c", "11:00:00"), entry("b", "10:00:00", "x")];
  const all = merged(known, fresh);
  assert.deepEqual(
    all.map(({ id }) => id),
    ["c", "b", "a"],
  );
  assert.equal(all[1].ended, "x");
});
