import { startOf } from "../core/days.js";

// On the drawing a day is as long as its minutes; what is shorter than this would not be seen.
export const LENGTH = 1_440;
const LEAST = 3;

/**
 * Where a device's entries lie on a day, in minutes from its beginning: `{connections: [{from,
 * length}], marks: [{at, kind, failed}]}`. A connection without an end lasts until `now`.
 */
export function spansOf(items, day, now = Date.now()) {
  const start = startOf(day);
  const minute = (time) => Math.min(LENGTH, Math.max(0, (time - start) / 60_000));
  const connections = [];
  const marks = [];
  for (const { kind, started, ended, error_code } of items) {
    const began = Date.parse(started);
    if (kind === "connection") {
      const from = minute(began);
      const length = Math.max(LEAST, minute(ended ? Date.parse(ended) : now) - from);
      connections.push({ from, length: Math.min(length, LENGTH - from) });
    } else marks.push({ at: minute(began), kind, failed: Boolean(error_code) });
  }
  return { connections, marks };
}
