// What each plot of the statistics shows, and the table behind it.

import { dayInWords } from "../core/days.js";
import { formatClock, formatCount, plural } from "../core/times.js";
import { agentSeries, byHour, daySeries, daysAxis, minuteSeries, sum, total } from "./series.js";

const dayName = ({ day }) => dayInWords(day);
const span = (days) => (days.length ? `${dayName(days[0])} to ${dayName(days.at(-1))}` : "no day");

/** Tables begin with the latest day, which is looked for most. */
const latestFirst = (days, row) => days.map(row).reverse();

function ofDays(days, label, columns, { series = columns, summed = false } = {}) {
  return {
    data: {
      x: daysAxis(days),
      unit: "day",
      series: series.map(([name, field, tone]) => ({ ...daySeries(days, field, name), tone })),
      summed,
    },
    label: `${label}, ${span(days)}.`,
    table: {
      columns: ["Day", ...columns.map(([name]) => name)],
      rows: latestFirst(days, (day) => [dayName(day), ...columns.map(([, field]) => day[field])]),
    },
  };
}

export function contactsFigure(days) {
  const [first, last] = [days[0]?.contacts, days.at(-1)?.contacts];
  const label = `Contacts at each day's end, from ${formatCount(first)} to ${formatCount(last)}`;
  const contacts = ["Contacts", "contacts"];
  const changes = [
    ["Made", "created"],
    ["Edited", "updated"],
    ["Deleted", "deleted"],
    ["Restored", "restored"],
  ];
  return ofDays(days, label, [contacts, ...changes], { series: [contacts] });
}

export function changesFigure(days, nameOf) {
  const series = agentSeries(days, nameOf);
  const changes = sum(series.map(({ values }) => sum(values)));
  return {
    data: { x: daysAxis(days), unit: "day", series, stacked: true, summed: true },
    label: `Changes of contacts a day by agent, ${plural(changes, "change")} in all, ${span(days)}.`,
    table: {
      columns: ["Day", ...series.map(({ name }) => name)],
      rows: days
        .map((day, index) => [dayName(day), ...series.map(({ values }) => values[index])])
        .reverse(),
    },
  };
}

export function syncsFigure(days) {
  const label = `Syncs and pushes a day, ${plural(total(days, "failures"), "failure")} in all`;
  const shown = [
    ["Syncs", "syncs", 1],
    ["Pushes", "pushes", 4],
    ["Failures", "failures", 2],
    ["Refused", "refused", 5],
  ];
  const columns = [["Connections", "connections"], ...shown, ["Median sync, ms", "median_sync_ms"]];
  return ofDays(days, label, columns, { series: shown, summed: true });
}

export function onlineFigure(days) {
  const label = "The most devices that were online at once on each day";
  return ofDays(days, label, [["Devices online", "most_devices_online"]]);
}

export function lagFigure(days) {
  const label =
    "How many versions the device that was online and furthest behind lacked on each day";
  return ofDays(days, label, [["Versions behind", "greatest_lag"]]);
}

/** `answer` is that of `/api/statistics/day`; the table has a row an hour. */
export function minutesFigure(answer) {
  const { x, online } = minuteSeries(answer);
  const most = Math.max(0, ...online);
  return {
    data: {
      x,
      unit: "minute",
      series: [{ name: "Devices online", values: online }],
    },
    label: `Devices online in each minute of ${dayName(answer)}, ${formatCount(most)} at most.`,
    table: {
      columns: ["Hour from", "Most devices online", "Most versions behind"],
      rows: byHour(answer.minutes).map(({ at, online, lag }) => [formatClock(at), online, lag]),
    },
  };
}
