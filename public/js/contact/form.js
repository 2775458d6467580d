import { newId } from "../core/ids.js";
import { readBirthday } from "./birthday.js";
import { CHANNELS, LINES, LISTS, listOf, SETS } from "./fields.js";
import { bareEmail, manyLines, oneLine, visibleLine } from "./texts.js";

// A contact as its form holds it, and as a flat map of the names by which the server merges:
// `company`, `emails`, `custom.size`, `preferences.email`, `tag_ids`.

/** What a form holds of a contact, all of it there; items of lists have a `key` of their own. */
export function formOf(contact) {
  const form = {
    birthday: contact.birthday ?? "",
    notes: contact.notes ?? "",
    owner_id: contact.owner_id ?? "",
    active: contact.active ?? true,
    preferences: {},
    custom: Object.entries(contact.custom ?? {}).map(([name, value]) => customRow(name, value)),
  };
  for (const { name } of LINES) form[name] = contact[name] ?? "";
  for (const { name } of LISTS)
    form[name] = (contact[name] ?? []).map((item) => newItem(name, item));
  for (const { name } of CHANNELS) form.preferences[name] = contact.preferences?.[name] ?? "";
  for (const { name } of SETS) form[name] = [...(contact[name] ?? [])];
  return form;
}

/** An item of a list, empty but for what `item` has. */
export function newItem(list, item = {}) {
  const values = listOf(list).parts.map(({ name }) => [name, item[name] ?? ""]);
  return { key: newId(), ...Object.fromEntries(values) };
}

/** A custom field; `kind` is "text", "number" or "flag". */
export function customRow(name = "", value = "") {
  const key = newId();
  if (typeof value === "boolean") return { key, name, kind: "flag", value: String(value) };
  if (typeof value === "number") return { key, name, kind: "number", value: String(value) };
  return { key, name, kind: "text", value };
}

/** The value that a custom field stands for; null for nothing, NaN for what is no number. */
export function customValue({ kind, value }) {
  const text = manyLines(value);
  if (text === "") return null;
  if (kind === "flag") return text === "true";
  return kind === "number" ? Number(text) : text;
}

/** A form's values by name, tidied; those that are empty are not in it, but for sets and lists. */
export function flatOf(form) {
  const flat = { active: form.active };
  for (const { name } of LINES) flat[name] = oneLine(form[name]);
  flat.birthday = readBirthday(form.birthday).value ?? oneLine(form.birthday);
  flat.notes = manyLines(form.notes);
  flat.owner_id = form.owner_id;
  for (const [name, value] of Object.entries(flat)) if (value === "") delete flat[name];
  for (const { name } of LISTS) flat[name] = filledItems(name, form[name]).map(({ item }) => item);
  for (const { name } of SETS) flat[name] = [...form[name]].sort();
  for (const [name, value] of Object.entries(form.preferences)) {
    if (value) flat[`preferences.${name}`] = value;
  }
  for (const row of form.custom) {
    const [name, value] = [oneLine(row.name), customValue(row)];
    if (name && value !== null) flat[`custom.${name}`] = value;
  }
  return flat;
}

/** The items of which more is left than a label, tidied, with their places in the form. */
export function filledItems(list, items) {
  return items.flatMap((given, index) => {
    const item = {};
    for (const { name, lines } of listOf(list).parts) {
      const text = tidied(list, name, lines, given[name]);
      if (text) item[name] = text;
    }
    return Object.keys(item).some((name) => name !== "label") ? [{ index, item }] : [];
  });
}

function tidied(list, part, lines, text) {
  if (part === "value") return list === "emails" ? bareEmail(text) : visibleLine(text);
  const line = lines ? manyLines(text) : oneLine(text);
  return part === "country" && /^[a-z]{2,3}$/i.test(line) ? line.toUpperCase() : line;
}

/** Puts a value of a flat map into a form; undefined takes it out. Changes `form`. */
export function putValue(form, name, value) {
  const [field, member] = splitName(name);
  if (field === "custom") putCustom(form, member, value);
  else if (field === "preferences") form.preferences[member] = value ?? "";
  else if (listOf(field)) {
    // Items keep their place on the page, and with it the focus.
    const items = (value ?? []).map((item) => newItem(field, item));
    form[field] = items.map((item, at) => ({ ...item, key: form[field][at]?.key ?? item.key }));
  } else if (field.endsWith("_ids")) form[field] = [...(value ?? [])];
  else form[field] = value ?? (field === "active" ? true : "");
}

function putCustom(form, member, value) {
  const at = form.custom.findIndex(({ name }) => oneLine(name) === member);
  const row = value === undefined ? [] : [customRow(member, value)];
  if (at < 0) form.custom.push(...row);
  else form.custom.splice(at, 1, ...row.map((each) => ({ ...each, key: form.custom[at].key })));
}

/** `custom.shoe.size` → ["custom", "shoe.size"]; a plain name has undefined second. */
export function splitName(name) {
  const at = name.indexOf(".");
  return at < 0 ? [name, undefined] : [name.slice(0, at), name.slice(at + 1)];
}

/** Whether two values of flat maps are the same; an empty list is as good as none. */
export function same(one, other) {
  const text = (value) =>
    JSON.stringify(Array.isArray(value) && !value.length ? null : (value ?? null));
  return text(one) === text(other);
}

/** The names under which two flat maps differ. */
export const differences = (one, other) =>
  [...new Set([...Object.keys(one), ...Object.keys(other)])].filter(
    (name) => !same(one[name], other[name]),
  );

/** The `changes` of a `contact_update` that make `base` into `flat`, both flat maps. */
export function changesBetween(base, flat) {
  const changes = {};
  const members = { custom: [], preferences: [] };
  for (const name of differences(base, flat)) {
    const [field, member] = splitName(name);
    if (field in members) members[field].push([member, flat[name] ?? null]);
    else if (field.endsWith("_ids")) changes[field] = setChange(base[name] ?? [], flat[name] ?? []);
    else changes[field] = flat[name] ?? null;
  }
  for (const [field, entries] of Object.entries(members)) {
    // Not by assignment, as a custom field may be called __proto__.
    if (entries.length) changes[field] = Object.fromEntries(entries);
  }
  return changes;
}

function setChange(from, to) {
  const change = {};
  const add = to.filter((id) => !from.includes(id));
  const remove = from.filter((id) => !to.includes(id));
  if (add.length) change.add = add;
  if (remove.length) change.remove = remove;
  return change;
}

/** What a `contact_create` takes: the form's filled fields; nobody's `owner_id` is null. */
export function contactOf(id, flat) {
  const changes = changesBetween({ active: true }, flat);
  for (const { name } of SETS) if (changes[name]) changes[name] = changes[name].add;
  return { id, ...changes, owner_id: flat.owner_id ?? null };
}
