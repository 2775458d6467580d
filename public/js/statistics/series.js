// The statistics' answers as what a plot draws: x in seconds, and series of numbers or null.

import { DAY_MS, startOf } from "../core/days.js";

const MOST_AGENTS = 6;
// Grey, as it stands for nobody in particular.
const OTHERS_TONE = 7;
const MINUTES = 1_440;

/** The days' beginnings (UTC) in seconds since 1970. */
export const daysAxis = (days) => days.map(({ day }) => startOf(day) / 1_000);

/** A series of one of the days' numbers. */
export const daySeries = (days, field, name) => ({ name, values: days.map((day) => day[field]) });

/**
 * The changes a day of the agents who made most of them, and of all others together: `[{agent,
 * name, values}]`. `nameOf(id)` names an agent; null is the server itself.
 */
export function agentSeries(days, nameOf, most = MOST_AGENTS) {
  const totals = new Map();
  for (const { agents } of days) {
    for (const { agent, changes } of agents) totals.set(agent, (totals.get(agent) ?? 0) + changes);
  }
  const ranked = [...totals].sort(([, one], [, other]) => other - one).map(([agent]) => agent);
  // A single agent left over is itself, not "others".
  const shown = ranked.length > most ? ranked.slice(0, most - 1) : ranked;
  const at = new Map(shown.map((agent, index) => [agent, index]));
  const values = Array.from({ length: shown.length + 1 }, () => days.map(() => 0));
  days.forEach(({ agents }, day) => {
    for (const { agent, changes } of agents) values[at.get(agent) ?? shown.length][day] += changes;
  });
  const series = shown.map((agent, index) => ({
    agent,
    name: nameOf(agent),
    values: values[index],
  }));
  if (shown.length < ranked.length) {
    const name = `${ranked.length - shown.length} others`;
    series.push({ name, values: values[shown.length], tone: OTHERS_TONE });
  }
  return series;
}

/** Of bars that stand upon each other, the first at the bottom: how high each ends, the highest first. */
export function cumulated(series) {
  const heights = [];
  for (const { values } of series) {
    const below = heights[0];
    heights.unshift(values.map((value, at) => value + (below?.[at] ?? 0)));
  }
  return heights;
}

/** What an axis shows of `x` (seconds): bars wholly, and around a single day nothing but that day. */
export function spanOf(x, unit, stacked) {
  const [first, last] = [x[0], x.at(-1)];
  const around = unit === "day" && (stacked || first === last) ? DAY_MS / 2_000 : 0;
  return [first - around, last + around];
}

/** What numbers come to; null is none. */
export const sum = (values) => values.reduce((all, each) => all + (each ?? 0), 0);

/**
 * A day minute by minute: `{x, online}`, with null for minutes in which no server ran; of
 * today only up to the last minute that there is.
 */
export function minuteSeries({ day, minutes }) {
  const start = startOf(day) / 1_000;
  const known = new Map(
    minutes.map((minute) => [Math.floor(Date.parse(minute.at) / 60_000), minute]),
  );
  const last = minutes.length ? Date.parse(minutes.at(-1).at) / 1_000 : start;
  const length = minutes.length ? Math.min(MINUTES, Math.floor((last - start) / 60) + 1) : 0;
  const x = Array.from({ length }, (_, minute) => start + minute * 60);
  return { x, online: x.map((at) => known.get(at / 60)?.devices_online ?? null) };
}

/** The sum of a field over the days. */
export const total = (days, field) => sum(days.map((day) => day[field]));

/** The hours of a day, with the most devices online and the greatest lag in each. */
export function byHour(minutes) {
  const hours = new Map();
  for (const { at, devices_online, greatest_lag } of minutes) {
    const hour = Math.floor(Date.parse(at) / 3_600_000) * 3_600_000;
    const known = hours.get(hour) ?? { at: hour, online: 0, lag: 0 };
    known.online = Math.max(known.online, devices_online);
    known.lag = Math.max(known.lag, greatest_lag);
    hours.set(hour, known);
  }
  return [...hours.values()];
}
