import assert from "node:assert/strict";
import { test } from "node:test";

import { dayAfter, dayOf, hasDay, isDay, startOf } from "../../../public/js/core/days.js";

test("days are counted in UTC", () => {
  assert.equal(dayOf(Date.parse("2026-11-25T23:30:00Z")), "2026-11-25");
  assert.equal(startOf("2026-11-25"), Date.parse("2026-11-25T00:00:00Z"));
});

test("days go on over the ends of months and years", () => {
  assert.equal(dayAfter("2026-02-28"), "2026-03-01");
  assert.equal(dayAfter("2028-02-28"), "2028-02-29");
  assert.equal(dayAfter("2027-01-01", -1), "2026-12-31");
});

test("what an address has for a day may be none", () => {
  assert.equal(isDay("2026-11-25"), true);
  for (const text of [undefined, "", "2026-13-01", "2026-1-1", "25.11.2026", "2026-02-30"]) {
    assert.equal(isDay(text), false, text);
  }
});

test("a year that is being typed is no day yet", () => {
  assert.equal(hasDay({ target: { value: "0002-11-25" } }), false);
  assert.equal(hasDay({ target: { value: "" } }), false);
  assert.equal(hasDay({ target: { value: "2026-11-25" } }), true);
});
