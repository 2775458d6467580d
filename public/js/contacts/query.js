// What the list is asked for, as it stands in the address. Names are those of REST, so the same
// object is the query of a page, of an export, and (typed) the filter of a bulk edit.

export const SORTS = {
  display_name: "Name",
  first_name: "First name",
  last_name: "Last name",
  company: "Company",
  created_at: "Created",
  updated_at: "Changed",
};
/** In the place of an owner's id: the contacts that nobody owns. */
export const NOBODY = "none";
export const DEFAULT_SORT = "display_name";
const TEXTS = ["search", "company", "owner_id", "updated_since"];
const LISTS = ["tag", "group", "type"];
const FLAGS = {
  has_email: ["true", "false"],
  has_phone: ["true", "false"],
  active: ["true", "false"],
  deleted: ["true"],
};

/** The list's query of an address's parameters; what is none of the list's, or no value, is left out. */
export function listQuery(parameters) {
  const query = {};
  for (const name of TEXTS) {
    const text = [parameters[name] ?? ""].flat().at(-1).trim();
    if (text) query[name] = text;
  }
  for (const name of LISTS) {
    const values = [parameters[name] ?? []].flat().filter(Boolean);
    if (values.length) query[name] = [...new Set(values)];
  }
  for (const [name, allowed] of Object.entries(FLAGS)) {
    if (allowed.includes(parameters[name])) query[name] = parameters[name];
  }
  const { field } = sortOf(parameters);
  if (parameters.sort && field in SORTS && parameters.sort !== DEFAULT_SORT)
    query.sort = parameters.sort;
  return query;
}

/** `{field, descending}` of a query; by name where none is given. */
export function sortOf({ sort }) {
  const text = [sort ?? DEFAULT_SORT].flat().at(-1);
  return { field: text.replace(/^-/, ""), descending: text.startsWith("-") };
}

/** What a click on a column's head asks for: turned round if sorted by it; of times, the newest first. */
export function nextSort(query, field) {
  const now = sortOf(query);
  const descending = now.field === field ? !now.descending : field.endsWith("_at");
  return `${descending ? "-" : ""}${field}`;
}

/** The query without its order: which contacts, not how they lie. */
export function filtersOf({ sort: _sort, ...filters }) {
  return filters;
}

export const isFiltered = (query) => Object.keys(filtersOf(query)).length > 0;

/** The filter of a bulk edit: as REST's, with JSON's own true and false. */
export function bulkFilter(query) {
  const typed = Object.entries(filtersOf(query)).map(([name, value]) => [
    name,
    name in FLAGS ? value === "true" : value,
  ]);
  return Object.fromEntries(typed);
}

/** The same for each, in whatever order the parameters stand. */
export const sameQuery = (one, other) => canonical(one) === canonical(other);

const canonical = (query) =>
  JSON.stringify(Object.entries(query).sort(([one], [other]) => (one < other ? -1 : 1)));

/**
 * The filters in words, but for the search: `[{name, value, text}]`, `value` null unless the
 * parameter may have several.
 */
export function filtersInWords(query, store) {
  const labels = LISTS.flatMap((entity) =>
    (query[entity] ?? []).map((value) => {
      const text = `${capital(entity)}: ${store.label(entity, value)?.name ?? value}`;
      return { name: entity, value, text };
    }),
  );
  const others = Object.entries(WORDS)
    .filter(([name]) => query[name])
    .map(([name, words]) => ({ name, value: null, text: words(query[name], store) }));
  return [...labels, ...others];
}

const WORDS = {
  owner_id: (id, store) => `Owner: ${id === NOBODY ? "nobody" : store.agentName(id)}`,
  company: (name) => `Company: ${name}`,
  has_email: (flag) => (flag === "true" ? "Has an e-mail" : "Has no e-mail"),
  has_phone: (flag) => (flag === "true" ? "Has a phone" : "Has no phone"),
  active: (flag) => (flag === "true" ? "Active" : "Not active"),
  updated_since: (time) => `Changed since ${time}`,
  deleted: () => "Deleted",
};

/** The query without one filter, or without one of its values. */
export function withoutFilter(query, { name, value }) {
  const { [name]: values, ...rest } = query;
  const kept = value === null ? [] : values.filter((each) => each !== value);
  return kept.length ? { ...rest, [name]: kept } : rest;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
