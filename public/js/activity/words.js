// What an entry of the audit log says, for a person.
import { CONTACT_FIELDS } from "../parts/changes.js";

/** What can be done, by the log's name for it: "Ann edited the contact Mia". */
export const OPS = {
  create: "made",
  update: "edited",
  delete: "deleted",
  restore: "restored",
  merge: "merged",
  sign_in: "signed in",
  register: "registered",
  settings: "changed the settings of",
  export: "exported contacts",
  import: "began an import",
  bulk_update: "began a bulk edit",
  cancel: "cancelled",
  undo: "took back",
  enrol: "enrolled",
  revoke: "revoked",
  sync: "asked to sync",
};

/** The same as a choice of a filter. */
export const OP_CHOICES = {
  create: "Made",
  update: "Edited",
  delete: "Deleted",
  restore: "Restored",
  sign_in: "Signed in",
  register: "Registered",
  settings: "Settings changed",
  export: "Exported",
  import: "Imported",
  bulk_update: "Edited in bulk",
  cancel: "Cancelled",
  undo: "Taken back",
  enrol: "Enrolled",
  revoke: "Revoked",
  sync: "Asked to sync",
};

/** What things are, by the log's name for them. */
export const ENTITIES = {
  contact: "contact",
  tag: "tag",
  group: "group",
  type: "type",
  agent: "agent",
  key: "API key",
  device: "device",
  job: "job",
  export: "export",
  tenant: "company",
};

export const OUTCOMES = {
  applied: { word: "Kept" },
  lost: { word: "Overruled by a later edit", badge: "warning" },
  refused: { word: "Refused", badge: "bad" },
};

export const ORIGINS = {
  socket: "App or dashboard",
  rest: "API",
  import: "Import",
  job: "Server's job",
  sql: "Database",
};

/** Fields that the filter offers, as the log names them. */
export const FIELDS = [
  ...CONTACT_FIELDS,
  "deleted",
  "name",
  "color",
  "category",
  "description",
  "role",
  "disabled",
];

// Of these it is said already what they are about.
const ALONE = ["sign_in", "export", "import", "bulk_update"];
// What tells a person nothing.
const HIDDEN = {
  sign_in: ["key_id", "address"],
  enrol: ["key_id", "agent_id", "name"],
  sync: ["agent_id", "name"],
  revoke: ["agent_id", "name"],
  delete: ["deleted"],
  restore: ["deleted"],
};

/** Who it was: an agent, the server itself, or somebody who typed it into the database. */
export function whoOf({ agent, origin }, store) {
  if (!agent && origin === "sql") return "Somebody in the database";
  return agent ? store.agentName(agent) : "The server";
}

/**
 * What was done to what, in parts: `{verb, thing, name, href}`; `thing` and `name` are null where the
 * verb says it all, `href` where there is no page. `deviceName(id)` names a device.
 */
export function sentenceOf(entry, { router, deviceName }) {
  const { op, entity, entity_id } = entry;
  const verb = verbOf(entry);
  const href = pageOf(entry, router);
  if (ALONE.includes(op)) return { verb, thing: null, name: href ? "See it" : null, href };
  if (entity === "tenant") return { verb, thing: "the company", name: null, href };
  const label = entity === "device" ? deviceName(entity_id) : entry.label;
  return {
    verb,
    thing: `the ${ENTITIES[entity] ?? entity}`,
    name: label ?? (href ? "See it" : null),
    href,
  };
}

function verbOf({ op, outcome, changes }) {
  if (outcome !== "applied") return TRIED[op] ?? `wanted to ${op.replaceAll("_", " ")}`;
  const from = op === "sign_in" && changes.address?.to;
  return from ? `signed in from ${from}` : (OPS[op] ?? op.replaceAll("_", " "));
}

const TRIED = {
  create: "wanted to make",
  update: "wanted to edit",
  delete: "wanted to delete",
  restore: "wanted to restore",
};

/** The address of what an entry is about, or null. */
function pageOf({ entity, entity_id }, router) {
  const id = encodeURIComponent(entity_id);
  if (entity === "contact") return router.href(`/contacts/${id}`);
  if (entity === "device") return router.href(`/devices/${id}`);
  if (entity === "job") return router.href(`/jobs/${id}`);
  return null;
}

/** An entry's changes without those that its sentence says already, or that say nothing. */
export function shownChanges({ op, outcome, changes }) {
  const hidden = outcome === "applied" ? (HIDDEN[op] ?? []) : [];
  return Object.fromEntries(Object.entries(changes).filter(([field]) => !hidden.includes(field)));
}
