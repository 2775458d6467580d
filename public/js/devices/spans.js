// Where entries of a device lie on a day. Days are UTC, as the server counts them.

const DAY_MS = 86_400_000;
// On the drawing a day is as long as its minutes; what is shorter than this would not be seen.
export const LENGTH = 1_440;
const LEAST = 3;

/** Today, as the server counts days (UTC): "2026-11-25". */
export const today = (now = Date.now()) => new Date(now).toISOString().slice(0, 10);

/** The day so many days later. */
export const dayAfter = (day, days = 1) => today(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS);

/**
 * Where a device's entries lie on a day, in minutes from its beginning: `{connections: [{from,
 * length}], marks: [{at, kind, failed}]}`. A connection without an end lasts until `now`.
 */
export function spansOf(items, day, now = Date.now()) {
  const start = Date.parse(`${day}T00:00:00Z`);
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
