// What the numbers and codes about a device mean, for a person.

import { formatCount, formatLength, plural } from "../core/times.js";

/** Each state: its word, the kind of badge, and what it means. */
export const STATES = {
  online: { word: "Online", badge: "good", help: "Connected now." },
  idle: { word: "Idle", badge: "plain", help: "Not connected, and up to date not long ago." },
  late: { word: "Late", badge: "warning", help: "Behind for more than a day." },
  missing: { word: "Missing", badge: "bad", help: "Not seen for 7 days." },
  never_synced: { word: "Never synced", badge: "warning", help: "It never had everything." },
  revoked: { word: "Revoked", badge: "plain", help: "It may not connect any more." },
};

/** The cards above the list, by the name that stands in the address: what each asks and counts. */
export const CARDS = {
  online: state("online"),
  idle: state("idle"),
  late: state("late"),
  missing: state("missing"),
  never_synced: state("never_synced"),
  app_outdated: flag("app_outdated", "Outdated app", "warning"),
  queue_stuck: flag("queue_stuck", "Queue stuck", "bad"),
  revoked: state("revoked"),
};

function state(name) {
  const { word, badge } = STATES[name];
  return { word, badge, query: { state: name }, count: (health) => health.states[name] ?? 0 };
}

function flag(name, word, badge) {
  return { word, badge, query: { [name]: true }, count: (health) => health[name] };
}

/** What a device is called: its name, else its model, else its id. */
export const nameOf = (device) => device.name || device.model || device.id;

/** "up to date", "12 versions, 3 min". */
export function behindText({ versions, seconds }) {
  if (!versions) return "up to date";
  return `${plural(versions, "version")}, ${formatLength(seconds)}`;
}

const CLOCK_MS = 60_000;

/** Whether a device's clock is more than a minute wrong. */
export const clockIsWrong = (skewMs) => Math.abs(skewMs ?? 0) > CLOCK_MS;

/** "right", "3 s slow", "2 min fast" of `clock_skew_ms`, the server's clock minus the device's. */
export function clockText(skewMs) {
  if (skewMs === null || skewMs === undefined) return "";
  if (Math.abs(skewMs) < 1_000) return "right";
  return `${formatLength(Math.abs(skewMs) / 1_000)} ${skewMs > 0 ? "slow" : "fast"}`;
}

/** "80%", or "" where it is not known. */
export const batteryText = (battery) =>
  battery === null || battery === undefined ? "" : `${Math.round(battery)}%`;

const KINDS = { connection: "Connected", sync: "Synced", push: "Sent edits", refused: "Refused" };

export const kindText = (kind) => KINDS[kind] ?? kind;

const CONNECTION_ENDS = {
  closed: "Ended",
  device_revoked: "The device was revoked",
  key_revoked: "Its key was revoked",
  account_disabled: "The account was disabled",
  expired: "The sign-in was over",
};
const SYNC_ENDS = {
  complete: "Complete",
  page: "One page, more to come",
  interrupted: "Cut off; it goes on at the next connection",
  failed: "Failed",
  unacknowledged: "The device stopped answering",
};

/** How an entry of a device's history ended; `open` says that a connection still stands. */
export function outcomeText({ kind, ended, outcome }, open = false) {
  if (kind === "connection") {
    if (!ended) return open ? "Still open" : "No end noted";
    return CONNECTION_ENDS[outcome] ?? outcome ?? "Ended";
  }
  if (kind === "sync") return SYNC_ENDS[outcome] ?? outcome ?? "";
  if (kind === "push") return outcome === "applied" ? "All kept" : (outcome ?? "");
  return EVENTS[outcome] ?? outcome ?? "";
}

const EVENTS = {
  auth: "Signing in",
  ping: "Saying how it is",
  sync_request: "Asking for changes",
  sync_push: "Sending its edits",
};

const ERRORS = {
  unauthenticated: "It was not signed in, or its key is wrong or revoked.",
  forbidden: "The role or the company's rules do not allow it.",
  invalid: "It sent something that the server could not read. The app may need an update.",
  not_found: "It asked for something that is not there.",
  gone: "It edited something that somebody had deleted. The edit is kept in the history.",
  conflict: "A name or id that it used was taken.",
  too_large: "It sent more than is allowed at once.",
  rate_limited: "It tried too often, and must wait a little.",
  unavailable: "The server was busy or restarting. The device tries again by itself.",
  resync_required: "It was away for too long, or the data was restored. It syncs everything anew.",
  unknown_event: "It asked for something that this server does not know. The app may be too new.",
  internal: "A fault of the server's. Nothing was lost; its log says more.",
};

/** An error's code in plain words. */
export const errorText = (code) => ERRORS[code] ?? `The server answered “${code}”.`;

/** How much an entry carried: "1,200 rows, 240 kB"; "" for nothing. */
export function amountText({ kind, rows, bytes }) {
  const parts = [];
  if (rows) parts.push(plural(rows, kind === "push" ? "edit" : "row"));
  if (bytes) parts.push(sizeText(bytes));
  return parts.join(", ");
}

/** "240 kB" */
export function sizeText(bytes) {
  if (bytes < 1_000) return `${formatCount(bytes)} B`;
  if (bytes < 1_000_000) return `${formatCount(Math.round(bytes / 1_000))} kB`;
  return `${formatCount(Math.round(bytes / 100_000) / 10)} MB`;
}

/** From one time to another: "84 ms", "12 s", "3 min"; "" while it lasts. */
export function durationText(started, ended) {
  if (!ended) return "";
  const took = Math.max(0, Date.parse(ended) - Date.parse(started));
  return took < 1_000 ? `${took} ms` : formatLength(took / 1_000);
}
