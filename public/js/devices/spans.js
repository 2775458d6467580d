import { startOf } from "../core/days.js";
import { serverNow } from "../core/times.js";

// On the drawing a day is as long as its minutes; what is shorter than this would not be seen.
export const LENGTH = 1_440;
const LEAST = 3;

/**
 * Where a device's entries lie on a day, in minutes from its beginning: `{connections: [{from,
 * length}], marks: [{at, kind, failed}]}`. `open` is the connection that stands until `now`; of others
 * without an end it is not known, as when a server was killed.
 */
export function spansOf(items, day, { open = null, now = serverNow() } = {}) {
  const start = startOf(day);
  const minute = (time) => Math.min(LENGTH, Math.max(0, (time - start) / 60_000));
  const connections = [];
  const marks = [];
  for (const item of items) {
    const { kind, started, ended, error_code } = item;
    const began = Date.parse(started);
    if (kind === "connection") {
      const from = minute(began);
      const end = ended ? Date.parse(ended) : item === open ? now : began;
      const length = Math.max(LEAST, minute(end) - from);
      connections.push({ from, length: Math.min(length, LENGTH - from) });
    } else marks.push({ at: minute(began), kind, failed: Boolean(error_code) });
  }
  return { connections, marks };
}
