import { LABEL_FIELDS, LABELS } from "../core/entities.js";
import { NOBODY, sortOf } from "./query.js";

// Where a changed contact belongs in the list, judged here as the server would. It only decides
// whether rows would move; what is then shown comes from the server.

const LETTERS = {
  ß: "ss",
  æ: "ae",
  œ: "oe",
  ø: "o",
  ł: "l",
  đ: "d",
  ð: "d",
  þ: "th",
  ı: "i",
  ħ: "h",
};
const SEARCHED = ["first_name", "last_name", "display_name", "company", "emails", "phones"];
const SORTED_CHARACTERS = 200;

/** A text as search and order compare it: capitals and accents aside. */
export function fold(text = "") {
  const plain = text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.replace(/[ßæœøłđðþıħ]/g, (letter) => LETTERS[letter]);
}

/** What a row is sorted by: a text, or a number for times. */
export function sortKey(row, { field }) {
  if (field === "updated_at") return row.version;
  if (field === "created_at") return Date.parse(row.created_at);
  return fold(row[field]).slice(0, SORTED_CHARACTERS);
}

/** Whether a live row is among those that the query asks for; `store` gives the labels' names. */
export function matches(row, query, store) {
  if (query.deleted) return false;
  const holds = Object.entries(HOLDS).every(
    ([name, test]) => !query[name] || test(row, query[name]),
  );
  return holds && LABELS.every((entity) => isLabelled(row, query[entity], entity, store));
}

const HOLDS = {
  owner_id: (row, id) => (row.owner_id ?? NOBODY) === id,
  company: (row, name) => fold(row.company) === fold(name),
  has_email: (row, flag) => String(Boolean(row.emails?.length)) === flag,
  has_phone: (row, flag) => String(Boolean(row.phones?.length)) === flag,
  active: (row, flag) => String(row.active) === flag,
  updated_since: (row, time) => Date.parse(row.updated_at) >= Date.parse(time),
  search: isFound,
};

/**
 * What a change of a row does to the list.
 *
 * `before` is the row as the list has it, undefined when it is not on hand; `after` as it is now,
 * null when it was deleted; `reaches(key)` says whether a row with that sort key would lie among
 * those on hand. "here": shown in place. "moves": rows come, go or change places. "unknown": only
 * the server knows, by its count. "none": nothing is seen of it.
 */
export function effectOf(before, after, query, store, reaches) {
  const unseen = filtered(query) ? "unknown" : "none";
  if (query.deleted) return before || after === null ? "moves" : unseen;
  if (after === null) return before || unseen === "none" ? "moves" : unseen;
  if (before) return staysInPlace(before, after, query, store) ? "here" : "moves";
  if (!matches(after, query, store)) return unseen;
  const isNew = after.created_at === after.updated_at;
  return isNew || reaches(sortKey(after, sortOf(query))) ? "moves" : unseen;
}

function staysInPlace(before, after, query, store) {
  // As the list was found by it, a row whose searched fields stayed is still found by it.
  const { search: _search, ...filters } = query;
  if (!matches(after, sameSearched(before, after) ? filters : query, store)) return false;
  const order = sortOf(query);
  return sortKey(before, order) === sortKey(after, order);
}

const filtered = (query) => Object.keys(query).some((name) => name !== "sort");

function sameSearched(before, after) {
  return SEARCHED.every((field) => JSON.stringify(before[field]) === JSON.stringify(after[field]));
}

function isLabelled(row, wanted, entity, store) {
  if (!wanted?.length) return true;
  const ids = row[LABEL_FIELDS[entity]] ?? [];
  const names = ids.map((id) => store.label(entity, id)?.name.toLowerCase());
  return wanted.some((each) => ids.includes(each) || names.includes(each.toLowerCase()));
}

function isFound(row, search) {
  const texts = SEARCHED.slice(0, 4).map((field) => row[field] ?? "");
  const values = [...(row.emails ?? []), ...(row.phones ?? [])].map(({ value }) => value ?? "");
  const folded = fold([...texts, ...values].join("\n"));
  const numbers = (row.phones ?? [])
    .map(({ value, e164 }) => digits(`${value} ${e164 ?? ""}`))
    .join("\n");
  const words = fold(search).split(/\s+/).filter(Boolean);
  return words.every(
    (word) =>
      folded.includes(word) || (/^[\d+()./-]+$/.test(word) && numbers.includes(digits(word))),
  );
}

const digits = (text) => text.replace(/\D/g, "").replace(/^0+/, "");
