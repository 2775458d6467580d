import { FIELD_LABELS } from "../core/entities.js";

// What a change was, in words: an entry's field from → to, as the history and the audit log have it.

const LABELS = {
  active: "Active",
  addresses: "Addresses",
  agent_id: "Agent",
  birthday: "Birthday",
  clean_phones: "Tidy phone numbers",
  color: "Colour",
  deleted: "Deleted",
  emails: "E-mails",
  external_id: "External id",
  group_ids: "Groups",
  min_app_version: "Oldest app allowed",
  owner_id: "Owner",
  tag_ids: "Tags",
  type_ids: "Types",
};
const LISTS = ["emails", "phones", "addresses", "websites"];
const MAPS = ["custom", "preferences"];
const AGENTS = ["owner_id", "agent_id", "created_by", "updated_by"];
export const CHANNELS = { email: "By e-mail", phone: "By phone", sms: "By SMS" };
const ADDRESS = ["street", "postal_code", "city", "region", "country"];
// The server's own, which follows from the others.
const DERIVED = ["display_name"];

/**
 * What a field's change was, as lines for a person: an array of `{label, from, to}`, texts, "" for
 * nothing; or, of sets and lists, `{label, added, removed}`, arrays of texts.
 *
 * `field` is named as the history does (`company`, `tag_ids`, `custom.size`), `change` is `{from,
 * to}`; `store` knows the names of labels (`label(entity, id)`) and agents (`agentName(id)`).
 * Of `custom` and `preferences` each key that changed is a line. What only follows from other
 * fields, like `display_name`, gives none.
 */
export function describeChange(field, { from = null, to = null }, store) {
  if (DERIVED.includes(field)) return [];
  const [name, member] = split(field);
  if (name in FIELD_LABELS) return [setChange(name, member, from, to, store)];
  if (member !== null && MAPS.includes(name)) return [memberChange(name, member, from, to)];
  if (MAPS.includes(name)) return mapChange(name, from, to);
  if (LISTS.includes(name)) return [listChange(name, from, to)];
  const [before, after] = [from, to].map((value) => describeValue(name, value, store));
  return [{ label: labelOf(name), from: before, to: after }];
}

/** All lines of an entry's `changes`, in the order of a contact's form. */
export function describeChanges(changes, store) {
  return Object.keys(changes)
    .sort((one, other) => rank(one) - rank(other) || one.localeCompare(other))
    .flatMap((field) => describeChange(field, changes[field], store));
}

/** A field's name for a person: "Job title", "E-mails". */
export function labelOf(name) {
  const words = LABELS[name] ?? name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A single value as text, "" for nothing. */
export function describeValue(name, value, store) {
  if (value === null || value === undefined || value === "") return "";
  if (AGENTS.includes(name)) return store.agentName(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map((item) => describeItem(item)).join(", ");
  if (typeof value === "object") return describeObject(value);
  if (value === "opted_in" || value === "opted_out") return value.replace("_", " ");
  return String(value);
}

/** An item of `emails`, `phones`, `websites` or `addresses`: "work: ann@example.com". */
export function describeItem(item) {
  if (item === null || typeof item !== "object") return String(item);
  const { label, value } = item;
  const text =
    value ??
    ADDRESS.map((part) => item[part])
      .filter(Boolean)
      .join(", ");
  if (!text) return describeObject(item);
  return label ? `${label}: ${text}` : text;
}

/** `custom.size` → ["custom", "size"]; a name may itself have dots. */
function split(field) {
  const at = field.indexOf(".");
  return at < 0 ? [field, null] : [field.slice(0, at), field.slice(at + 1)];
}

function setChange(name, member, from, to, store) {
  const named = (id) =>
    store.label(FIELD_LABELS[name], id)?.name ?? `a deleted ${FIELD_LABELS[name]}`;
  const label = labelOf(name);
  if (member !== null) {
    return {
      label,
      added: to === true ? [named(member)] : [],
      removed: to === true ? [] : [named(member)],
    };
  }
  const { added, removed } = difference(from ?? [], to ?? []);
  return { label, added: added.map(named), removed: removed.map(named) };
}

function listChange(name, from, to) {
  const [before, after] = [from ?? [], to ?? []].map((items) => items.map(describeItem));
  const { added, removed } = difference(before, after);
  const label = labelOf(name);
  // Another order, or the same twice: only the whole tells.
  if (!added.length && !removed.length)
    return { label, from: before.join(", "), to: after.join(", ") };
  return { label, added, removed };
}

function mapChange(name, from, to) {
  const [before, after] = [from ?? {}, to ?? {}];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => before[key] !== after[key])
    .sort((one, other) => one.localeCompare(other))
    .map((key) => memberChange(name, key, before[key], after[key]));
}

function memberChange(name, key, from, to) {
  const label = name === "preferences" ? (CHANNELS[key] ?? key) : key;
  return { label, from: describeValue(name, from), to: describeValue(name, to) };
}

function difference(from, to) {
  return {
    added: to.filter((each) => !from.includes(each)),
    removed: from.filter((each) => !to.includes(each)),
  };
}

const describeObject = (value) =>
  Object.entries(value)
    .filter(([, each]) => each !== null && each !== "")
    .map(([key, each]) => `${key.replaceAll("_", " ")} ${describeValue(key, each, NOBODY_KNOWN)}`)
    .join(", ");

// Within an object there are no names to look up.
const NOBODY_KNOWN = { agentName: (id) => String(id), label: () => undefined };

/** A contact's fields, as the history names them, in the order in which one reads them. */
export const CONTACT_FIELDS = [
  "first_name",
  "last_name",
  "company",
  "department",
  "job_title",
  "emails",
  "phones",
  "addresses",
  "websites",
  "birthday",
  "owner_id",
  "tag_ids",
  "group_ids",
  "type_ids",
  "notes",
  "custom",
  "preferences",
  "active",
];
const ORDER = ["deleted", "name", ...CONTACT_FIELDS];

function rank(field) {
  const at = ORDER.indexOf(split(field)[0]);
  return at < 0 ? ORDER.length : at;
}
