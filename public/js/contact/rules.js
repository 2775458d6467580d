import { readBirthday } from "./birthday.js";
import { LINES, LISTS, MOST, SETS } from "./fields.js";
import { customValue, filledItems, flatOf } from "./form.js";
import { bareEmail, manyLines, oneLine } from "./texts.js";

// As much of the server's rules as a form can tell at once. The server has the last word.

// One @, something before it, and a domain of at least two labels, none of which is empty.
const EMAIL = /^[^\s@<>(),;:\\"[\]]+@[^\s@.<>(),;:\\"[\]]+(\.[^\s@.<>(),;:\\"[\]]+)+$/u;
const MOST_NUMBER = Number.MAX_SAFE_INTEGER;

const LARGE = "A contact holds at most 64 kB. Make its notes or custom fields shorter.";
export const NOBODY = "A contact needs one of a name, a company, an e-mail or a phone.";

/** What is wrong with a form: a Map from a path (`emails.0.value`) to a sentence. */
export function faultsOf(form) {
  const faults = new Map();
  const note = (path, fault) => {
    if (fault) faults.set(path, fault);
  };
  for (const { name, max } of LINES) note(name, tooLong(oneLine(form[name]), max));
  for (const list of LISTS) noteItems(note, form[list.name], list);
  note("birthday", readBirthday(form.birthday).error);
  note("notes", tooLong(manyLines(form.notes), MOST.notes));
  noteCustom(note, form.custom);
  for (const { name } of SETS) {
    if (form[name].length > MOST.ids)
      note(name, `At most ${MOST.ids}; these are ${form[name].length}.`);
  }
  if (isNobody(form)) note("identity", NOBODY);
  if (bytesOf(form) > MOST.bytes) note("whole", LARGE);
  return faults;
}

const bytesOf = (form) => new TextEncoder().encode(JSON.stringify(flatOf(form))).length;

function noteItems(note, items, { name, parts }) {
  if (items.length > MOST.items)
    note(name, `At most ${MOST.items} items; these are ${items.length}.`);
  for (const [at, item] of items.entries()) {
    for (const part of parts) {
      note(`${name}.${at}.${part.name}`, tooLong((item[part.name] ?? "").trim(), part.max));
    }
    if (name === "emails") note(`emails.${at}.value`, emailFault(item.value));
  }
}

/** What is wrong with an e-mail address, undefined for nothing; an empty one is left out. */
export function emailFault(text) {
  const address = bareEmail(text);
  if (!address || (EMAIL.test(address) && address.split("@")[0].length <= 64)) return undefined;
  return address.includes("@")
    ? "This is not an e-mail address; it looks like ann@example.com."
    : "An e-mail address needs an @, like ann@example.com.";
}

function noteCustom(note, rows) {
  const names = new Set();
  if (rows.length > MOST.custom) note("custom", `At most ${MOST.custom} custom fields.`);
  for (const [at, row] of rows.entries()) {
    const name = oneLine(row.name);
    const value = customValue(row);
    if (!name && value !== null) note(`custom.${at}.name`, "Give the field a name.");
    if (name && names.has(name)) note(`custom.${at}.name`, `There is a field ${name} already.`);
    if (name) names.add(name);
    if ([...name].length > MOST.customName)
      note(`custom.${at}.name`, tooLong(name, MOST.customName));
    note(`custom.${at}.value`, valueFault(row.kind, value));
  }
}

function valueFault(kind, value) {
  if (value === null || kind === "flag") return undefined;
  if (kind === "text") return tooLong(value, MOST.customText);
  if (!Number.isFinite(value)) return "This must be a number, like 12 or 3.5.";
  return Math.abs(value) > MOST_NUMBER
    ? "This is too large to be exact; make it a text."
    : undefined;
}

function isNobody(form) {
  const names = [form.first_name, form.last_name, form.company].some((text) => oneLine(text));
  return !names && !["emails", "phones"].some((list) => filledItems(list, form[list]).length);
}

const tooLong = (text, max) =>
  // By characters as the server counts them, not by halves of them.
  text.length > max && [...text].length > max
    ? `This is longer than ${max.toLocaleString("en")} characters.`
    : undefined;

/**
 * The server's `fields` as paths of this form: a Map from path to sentence.
 *
 * The server counts the items that it was sent; empty ones were not.
 */
export function placedFaults(fields, form) {
  const placed = new Map();
  for (const [path, messages] of Object.entries(fields)) {
    const [name, member, ...rest] = path.replace(/^(changes|contact)\./, "").split(".");
    placed.set(placeOf(form, name, member, rest), messages.join(" "));
  }
  return placed;
}

function placeOf(form, name, member, rest) {
  if (member === undefined) return name;
  if (name === "custom") {
    const custom = [member, ...rest].join(".");
    const at = form.custom.findIndex((row) => oneLine(row.name) === custom);
    return at < 0 ? name : `custom.${at}.value`;
  }
  const list = LISTS.find((each) => each.name === name);
  const at = list && filledItems(name, form[name])[Number(member)]?.index;
  return [name, at ?? member, ...rest].join(".");
}
