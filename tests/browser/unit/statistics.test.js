import assert from "node:assert/strict";
import { test } from "node:test";

import {
  earliestFor,
  minuteDayOf,
  rangeInWords,
  rangeOf,
} from "../../../public/js/statistics/range.js";
import {
  agentSeries,
  byHour,
  cumulated,
  daysAxis,
  minuteSeries,
  spanOf,
  sum,
  total,
} from "../../../public/js/statistics/series.js";

const NOW = Date.parse("2026-11-25T23:30:00Z");

test("without a range it is the last 30 days, today among them", () => {
  assert.deepEqual(rangeOf({}, NOW), { from: "2026-10-27", to: "2026-11-25", days: 30 });
});

test("a choice of days ends today", () => {
  assert.deepEqual(rangeOf({ days: "7" }, NOW), { from: "2026-11-19", to: "2026-11-25", days: 7 });
  assert.equal(rangeOf({ days: "90" }, NOW).from, "2026-08-28");
  assert.equal(rangeOf({ days: "1000000" }, NOW).days, 30);
});

test("an own range goes before a choice, and presses none", () => {
  assert.deepEqual(rangeOf({ days: "7", from: "2026-01-01", to: "2026-02-01" }, NOW), {
    from: "2026-01-01",
    to: "2026-02-01",
    days: null,
  });
  assert.equal(rangeOf({ from: "2026-11-20" }, NOW).to, "2026-11-25");
  assert.equal(rangeOf({ to: "2026-03-01" }, NOW).from, "2026-01-31");
});

test("a range that can't be is made to fit", () => {
  assert.deepEqual(rangeOf({ from: "2027-01-01", to: "2027-02-01" }, NOW), {
    from: "2026-11-25",
    to: "2026-11-25",
    days: null,
  });
  assert.deepEqual(rangeOf({ from: "2026-03-01", to: "2026-02-01" }, NOW).from, "2026-02-01");
  assert.equal(rangeOf({ from: "1999-01-01", to: "2026-11-25" }, NOW).from, "2025-11-25");
  assert.equal(rangeOf({ from: "2026-99-99", to: "x" }, NOW).days, 30);
});

test("a range of more than 366 days is cut, and says so", () => {
  const cut = { from: "2025-11-25", to: "2026-11-25", days: null, cut: true };
  assert.deepEqual(rangeOf({ from: "2024-11-25", to: "2026-11-25" }, NOW), cut);
  assert.equal(rangeOf({ from: "2025-11-25", to: "2026-11-25" }, NOW).cut, undefined);
  assert.equal(earliestFor("2026-11-25"), "2025-11-25");
});

test("a range is told in words", () => {
  assert.equal(rangeInWords(rangeOf({ days: "7" }, NOW)), "In the last 7 days");
  const own = (from, to) => rangeInWords(rangeOf({ from, to }, NOW));
  assert.match(own("2026-11-20", "2026-11-20"), /^On .*20.*2026$/);
  assert.match(own("2026-11-01", "2026-11-20"), /^From .*2026 to .*2026$/);
});

test("the day of the minutes is today unless an earlier one is asked", () => {
  assert.equal(minuteDayOf({}, NOW), "2026-11-25");
  assert.equal(minuteDayOf({ day: "2026-11-24" }, NOW), "2026-11-24");
  assert.equal(minuteDayOf({ day: "2026-11-26" }, NOW), "2026-11-25");
});

const day = (name, ...agents) => ({
  day: name,
  agents: agents.map(([agent, changes]) => ({ agent, changes })),
  syncs: agents.length,
});

test("each agent is a series with a number for each day, the busiest first", () => {
  const days = [day("2026-11-24", ["a", 1], ["b", 5]), day("2026-11-25", ["a", 2])];
  assert.deepEqual(
    agentSeries(days, (id) => id.toUpperCase()),
    [
      { agent: "b", name: "B", values: [5, 0] },
      { agent: "a", name: "A", values: [1, 2] },
    ],
  );
});

test("those who are too many are the others, and no change is lost", () => {
  const agents = ["a", "b", "c", "d"].map((agent, index) => [agent, 10 - index]);
  const series = agentSeries([day("2026-11-25", ...agents)], String, 3);
  assert.deepEqual(
    series.map(({ name, values }) => [name, ...values]),
    [
      ["a", 10],
      ["b", 9],
      ["2 others", 15],
    ],
  );
  assert.deepEqual(
    series.map(({ tone }) => tone),
    [undefined, undefined, 7],
  );
});

test("bars stand upon each other, the first at the bottom and the highest drawn first", () => {
  const series = [{ values: [1, 2] }, { values: [10, 0] }, { values: [100, 5] }];
  assert.deepEqual(cumulated(series), [
    [111, 7],
    [11, 2],
    [1, 2],
  ]);
  assert.deepEqual(cumulated([]), []);
});

test("an axis shows bars wholly, and of a single day that day alone", () => {
  const days = [1_795_478_400, 1_795_564_800];
  assert.deepEqual(spanOf(days, "day", false), days);
  assert.deepEqual(spanOf(days, "day", true), [1_795_435_200, 1_795_608_000]);
  assert.deepEqual(spanOf([days[0]], "day", false), [1_795_435_200, 1_795_521_600]);
  assert.deepEqual(spanOf([60, 120], "minute", false), [60, 120]);
});

test("what is not known adds nothing to a sum", () => {
  assert.equal(sum([1, null, 2, undefined]), 3);
  assert.equal(sum([]), 0);
});

test("the server itself is told apart from agents", () => {
  const series = agentSeries([day("2026-11-25", [null, 3])], (id) => id ?? "the server");
  assert.deepEqual(series, [{ agent: null, name: "the server", values: [3] }]);
});

test("days are drawn at their beginnings, and summed", () => {
  const days = [day("2026-11-24", ["a", 1]), day("2026-11-25", ["a", 1], ["b", 1])];
  assert.deepEqual(daysAxis(days), [1_795_478_400, 1_795_564_800]);
  assert.equal(total(days, "syncs"), 3);
});

test("a minute in which no server ran is a gap", () => {
  const minute = (time, devices_online) => ({
    at: `2026-11-25T${time}Z`,
    devices_online,
    greatest_lag: 0,
  });
  const { x, online } = minuteSeries({
    day: "2026-11-25",
    minutes: [minute("00:00:00.000", 4), minute("00:02:00.000", 5)],
  });
  assert.equal(x[0], Date.parse("2026-11-25T00:00:00Z") / 1_000);
  assert.deepEqual(online, [4, null, 5]);
});

test("a day without minutes draws nothing", () => {
  assert.deepEqual(minuteSeries({ day: "2026-11-25", minutes: [] }), { x: [], online: [] });
});

test("an hour has the most of its minutes", () => {
  const minutes = [
    { at: "2026-11-25T10:00:00Z", devices_online: 3, greatest_lag: 0 },
    { at: "2026-11-25T10:59:00Z", devices_online: 7, greatest_lag: 9 },
    { at: "2026-11-25T11:00:00Z", devices_online: 1, greatest_lag: 0 },
  ];
  assert.deepEqual(byHour(minutes), [
    { at: Date.parse("2026-11-25T10:00:00Z"), online: 7, lag: 9 },
    { at: Date.parse("2026-11-25T11:00:00Z"), online: 1, lag: 0 },
  ]);
});
