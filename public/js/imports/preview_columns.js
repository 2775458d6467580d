import { describeItem, labelOf } from "../parts/changes.js";

// Contacts of a dry run as the rows of a table: only the columns that any of them fills.

const ORDER = [
  ...[
    "company",
    "department",
    "job_title",
    "emails",
    "phones",
    "addresses",
    "websites",
    "birthday",
  ],
  ...["tags", "groups", "types", "owner", "notes", "preferences", "active", "external_id", "id"],
];
const LONGEST = 200;

/** `[{key, label, text(contact)}]`: the name first, then what there is, custom fields last. */
export function previewColumns(contacts) {
  const filled = new Set(contacts.flatMap((contact) => Object.keys(contact)));
  const columns = [{ key: "name", label: "Name", text: nameOf }];
  for (const key of [...ORDER, ...filled]) {
    if (!filled.has(key) || columns.some((column) => column.key === key) || APART.includes(key))
      continue;
    columns.push({ key, label: labelOf(key), text: (contact) => textOf(contact[key]) });
  }
  const custom = new Set(contacts.flatMap(({ custom }) => Object.keys(custom ?? {})));
  for (const name of custom) {
    columns.push({
      key: `custom.${name}`,
      label: name,
      text: ({ custom }) => textOf(ownOf(custom, name)),
    });
  }
  return columns;
}

// What stands in the name, or in columns of its own.
const APART = ["first_name", "last_name", "display_name", "custom"];

const nameOf = ({ first_name, last_name }) => [first_name, last_name].filter(Boolean).join(" ");

/** A value of a contact as one text, at most 200 characters of it. */
export function textOf(value) {
  const text = whole(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function whole(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map((item) => describeItem(item)).join(", ");
  if (typeof value === "object") {
    return Object.entries(value)
      .map(([key, each]) => `${key}: ${whole(each).replace("_", " ")}`)
      .join(", ");
  }
  return String(value);
}

/**
 * What stands in a column, for whoever says which field it is: as the file has it, or, where rows have
 * no cells, what the first contacts got from it. At most three texts.
 */
export function columnValues(column, path, samples, contacts) {
  const sample = samples.find((each) => each.column === column);
  const cells = samples.some(({ values }) => values.length);
  if (cells || !path) return sample?.values ?? [];
  const name = path.split(".")[0];
  const texts = contacts.map((contact) =>
    name === "custom" && path !== "custom"
      ? textOf(ownOf(contact.custom, path.slice(7)))
      : textOf(fieldOf(contact, name)),
  );
  return [...new Set(texts.filter(Boolean))].slice(0, 3);
}

const fieldOf = (contact, name) => (name === "name" ? nameOf(contact) : ownOf(contact, name));

// A custom field may be called `constructor`.
const ownOf = (values, name) => (values && Object.hasOwn(values, name) ? values[name] : null);
