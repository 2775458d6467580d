import { NOBODY } from "../contacts/query.js";
import { FIELD_LABELS, LABELS } from "../core/entities.js";
import { plural } from "../core/times.js";
import { describeItem, describeValue, labelOf } from "../parts/changes.js";
import { fieldLabel } from "./fields.js";

// What was asked of a bulk edit, by the options of its job, for a person.

const FILTERS = {
  words: "search",
  owner_id: "owner",
  has_email: "has an e-mail",
  has_phone: "has a phone",
  opted_out: "opted out",
  updated_since: "changed since",
};

/** `[label, text]` of each thing that was asked; nothing of an import. */
export function editLines(options, store) {
  if (options.merge || !(options.changes || options.delete)) return [];
  const done = options.delete
    ? [["What was done", "They were deleted"]]
    : Object.entries(options.changes).flatMap(([field, value]) => changeLines(field, value, store));
  return [["Which contacts", whichContacts(options, store)], ...done];
}

function whichContacts({ ids, filter }, store) {
  if (ids !== undefined) return `${plural(ids, "chosen contact")}`;
  const parts = Object.entries(filter).map(([name, value]) => filterWords(name, value, store));
  return parts.length ? `All that matched: ${parts.join("; ")}` : "All";
}

function filterWords(name, value, store) {
  const label = Object.hasOwn(FILTERS, name) ? FILTERS[name] : name.replaceAll("_", " ");
  if (name === "words") return `${label} “${value.join(" ")}”`;
  if (LABELS.includes(name)) {
    return `${label} ${[value]
      .flat()
      .map((each) => store.label(name, each)?.name ?? each)
      .join(" or ")}`;
  }
  if (name === "owner_id" && value === NOBODY) return `${label} nobody`;
  return `${label} ${describeValue(name, value, store) || "nobody"}`;
}

function changeLines(field, value, store) {
  const label = labelOf(field);
  if (Object.hasOwn(FIELD_LABELS, field))
    return [[label, setWords(FIELD_LABELS[field], value, store)]];
  if (field === "custom" || field === "preferences") {
    return Object.entries(value ?? {}).map(([name, each]) => [
      fieldLabel(`${field}.${name}`),
      describeValue(field, each, store) || "cleared",
    ]);
  }
  if (Array.isArray(value)) return [[label, value.map(describeItem).join(", ") || "cleared"]];
  return [[label, describeValue(field, value, store) || "cleared"]];
}

function setWords(entity, value, store) {
  const named = (ids) =>
    ids.map((id) => store.label(entity, id)?.name ?? `a deleted ${entity}`).join(", ");
  if (Array.isArray(value)) return named(value) || "cleared";
  const parts = [];
  if (value.add?.length) parts.push(`added: ${named(value.add)}`);
  if (value.remove?.length) parts.push(`taken away: ${named(value.remove)}`);
  return parts.join("; ");
}
