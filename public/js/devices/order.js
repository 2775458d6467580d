// In what order devices stand in the list.

import { nameOf } from "./words.js";

const text = (value) => (value ?? "").toLowerCase();
const URGENCY = ["online", "idle", "never_synced", "late", "missing", "revoked"];

/** What each column is sorted by, ascending; null and undefined come last either way. */
export const COLUMNS = {
  name: (device) => text(nameOf(device)),
  agent: (device) => text(device.agent.name),
  state: (device) => URGENCY.indexOf(device.state),
  last_seen: (device) => device.last_seen,
  behind: (device) => device.lag.versions,
  queue: (device) => device.queue.size,
  app: (device) => (device.app_version ? versionKey(device.app_version) : null),
  battery: (device) => device.battery,
  network: (device) => device.network,
  clock: (device) => (device.clock_skew_ms === null ? null : Math.abs(device.clock_skew_ms)),
};

const byAgent = (device) => text(device.agent.code);

/** The devices by a column, `-` before it turns it round; without a known one by agents' codes. */
export function sorted(devices, sort = "") {
  const descending = sort.startsWith("-");
  const column = descending ? sort.slice(1) : sort;
  const key = Object.hasOwn(COLUMNS, column) ? COLUMNS[column] : byAgent;
  const keyed = devices.map((device) => ({ device, value: key(device) }));
  keyed.sort((one, other) => {
    const missing = isMissing(one.value) - isMissing(other.value);
    if (missing) return missing;
    const order = compare(one.value, other.value);
    return (descending ? -order : order) || compare(one.device.id, other.device.id);
  });
  return keyed.map(({ device }) => device);
}

/**
 * Newer states of the devices in the order in which they are shown: each keeps its place, those
 * that are gone leave theirs, and those that are new come last.
 */
export function inPlace(shown, fresh) {
  const newer = new Map(fresh.map((device) => [device.id, device]));
  const kept = shown.filter(({ id }) => newer.has(id)).map(({ id }) => newer.get(id));
  const known = new Set(shown.map(({ id }) => id));
  return [...kept, ...fresh.filter(({ id }) => !known.has(id))];
}

/** The next sorting when a column's name is pressed: ascending, descending, then none. */
export function nextSort(sort, column) {
  if (sort === column) return `-${column}`;
  return sort === `-${column}` ? "" : column;
}

// 2.10 comes after 2.9: each number is made as long as the others.
const versionKey = (version) =>
  version.replace(/\d+/g, (digits) => digits.padStart(10, "0")).toLowerCase();

const isMissing = (value) => value === null || value === undefined || value === "";

function compare(one, other) {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
