// Agents and their keys as the lists show them, without a DOM.

import { serverNow } from "../core/times.js";

/** Every role, with what it may do; the last is for programs. */
export const ROLES = [
  { role: "admin", label: "Admin", what: "Everything, also agents, keys and the settings." },
  {
    role: "manager",
    label: "Manager",
    what: "All contacts, devices and statistics; imports and bulk edits.",
  },
  { role: "agent", label: "Agent", what: "Contacts, and their own devices and keys." },
  { role: "api", label: "Program", what: "For software: contacts, imports and bulk edits." },
];

const HOUR_MS = 3_600_000;

export const roleLabel = (role) => ROLES.find((each) => each.role === role)?.label ?? role;

/** The agents, each with `keys`, how many can still be used, and `lastUsed`, the latest use of any. */
export function withKeys(agents, keys) {
  return agents.map((agent) => {
    const own = keys.filter((key) => key.agent_id === agent.id);
    const uses = own.map((key) => key.last_used_at).filter(Boolean);
    return {
      ...agent,
      keys: own.filter((key) => !key.revoked_at).length,
      lastUsed: uses.sort().at(-1) ?? null,
    };
  });
}

/** The keys to show: of one agent if `agent` is an id, revoked ones only if asked for. */
export function keysShown(keys, { agent = null, revoked = false } = {}) {
  return keys.filter((key) => (!agent || key.agent_id === agent) && (revoked || !key.revoked_at));
}

/** When a key was used last, which the server keeps to the hour: `ago(time)` says longer ones. */
export function lastUse(time, ago, now = serverNow()) {
  if (!time) return "never";
  return now - Date.parse(time) < HOUR_MS ? "within the hour" : ago(time);
}

/** What of `{name, role}` differs, to be sent; null if nothing does. */
export function changesOf(agent, form) {
  const changes = {};
  if (form.name.trim() !== agent.name) changes.name = form.name.trim();
  if (form.role !== agent.role) changes.role = form.role;
  return Object.keys(changes).length ? changes : null;
}

/** A code for a name, as a proposal: "Zoë van Dam" → "zoe.van.dam". */
export function codeFor(name) {
  return name
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ".")
    .replace(/^\.+|\.+$/g, "")
    .slice(0, 64);
}
