import { LABEL_FIELDS, LABELS } from "../core/entities.js";

// What a bulk edit may do to every contact, and what the server is asked for. Without a DOM.

const CLEARABLE = {
  company: "Company",
  department: "Department",
  job_title: "Job title",
  notes: "Notes",
};
const CHANNELS = { email: "E-mail to them", phone: "Calls to them", sms: "SMS to them" };

/**
 * `{name: {title, input}}`: what can be changed. `input` says how its value is given: "label" (an
 * id, of `entity`), "agent" (an id, "" for nobody), "text" ("" clears), "flag", "permission", or
 * "custom" (a name and a text).
 */
export const KINDS = Object.fromEntries([
  ["owner", { title: "Set the owner", input: "agent" }],
  ...LABELS.flatMap((entity) => [
    [`add_${entity}`, { title: `Add a ${entity}`, input: "label", entity }],
    [`remove_${entity}`, { title: `Remove a ${entity}`, input: "label", entity }],
  ]),
  ...Object.entries(CLEARABLE).map(([name, title]) => [
    name,
    { title: `Set: ${title}`, input: "text" },
  ]),
  ["custom", { title: "Set a field of your own", input: "custom" }],
  ["active", { title: "Set: Active", input: "flag" }],
  ...Object.entries(CHANNELS).map(([name, title]) => [
    `may_${name}`,
    { title: `Set: ${title}`, input: "permission" },
  ]),
]);

/** A change as yet without a value. */
export const newStep = (kind = "add_tag") => ({ kind, value: defaultOf(kind), name: "" });

function defaultOf(kind) {
  const { input } = KINDS[kind];
  if (input === "flag") return "true";
  return input === "permission" ? "opted_out" : "";
}

/** What a step lacks, for a person; null if nothing. */
export function faultOf({ kind, value, name }) {
  const { input, entity } = KINDS[kind];
  if (input === "label" && !value) return `Choose a ${entity}.`;
  if (input === "custom" && !name.trim()) return "Give the field's name.";
  return null;
}

/** The `changes` of POST /api/bulk/update; of several steps for the same field the last one counts. */
export function changesOf(steps) {
  const changes = {};
  for (const step of steps) WRITES[KINDS[step.kind].input](changes, step);
  return changes;
}

const WRITES = {
  agent(changes, { value }) {
    changes.owner_id = value || null;
  },
  label(changes, { kind, value }) {
    const [way, entity] = kind.split("_");
    const set = setOf(changes, LABEL_FIELDS[entity]);
    const other = way === "add" ? "remove" : "add";
    set[other] = set[other].filter((id) => id !== value);
    if (!set[way].includes(value)) set[way].push(value);
  },
  text(changes, { kind, value }) {
    changes[kind] = value.trim() || null;
  },
  flag(changes, { value }) {
    changes.active = value === "true";
  },
  permission(changes, { kind, value }) {
    changes.preferences = { ...changes.preferences, [kind.replace("may_", "")]: value || null };
  },
  custom(changes, { name, value }) {
    changes.custom = { ...changes.custom, [name.trim()]: value.trim() || null };
  },
};

function setOf(changes, field) {
  changes[field] ??= { add: [], remove: [] };
  return changes[field];
}

/** A step in words, for the preview: "Add the tag VIP". */
export function stepInWords({ kind, value, name }, store) {
  const { input, entity } = KINDS[kind];
  if (input === "label") {
    const label = store.label(entity, value)?.name ?? value;
    return kind.startsWith("add") ? `Add the ${entity} ${label}` : `Remove the ${entity} ${label}`;
  }
  if (input === "agent") return value ? `Owner: ${store.agentName(value)}` : "Owner: nobody";
  if (input === "custom")
    return value.trim() ? `${name.trim()}: ${value.trim()}` : `${name.trim()}: nothing`;
  if (input === "flag") return value === "true" ? "Active: yes" : "Active: no";
  if (input === "permission") return `${CHANNELS[kind.replace("may_", "")]}: ${PERMISSIONS[value]}`;
  return `${CLEARABLE[kind]}: ${value.trim() || "nothing"}`;
}

export const PERMISSIONS = { opted_in: "allowed", opted_out: "not allowed", "": "not known" };
