import assert from "node:assert/strict";
import test from "node:test";

// Thirteen hours ahead of the server's days when it is summer there.
process.env.TZ = "Pacific/Auckland";
const { rangeInWords } = await import("../../../public/js/statistics/range.js");
const { formatTime } = await import("../../../public/js/core/times.js");

test("a day is the server's also where it is over before noon of it has come", () => {
  assert.match(formatTime("2026-11-20T12:00:00Z"), /\b21\b/);
  assert.match(rangeInWords({ from: "2026-11-20", to: "2026-11-20", days: null }), /\b20\b/);
});
