// The fields that a column of a file can go to, as an import's `mapping` names them, in words.

const TEXTS = {
  name: "Whole name",
  first_name: "First name",
  last_name: "Last name",
  company: "Company",
  department: "Department",
  job_title: "Job title",
  birthday: "Birthday",
  notes: "Notes",
  active: "Active (yes or no)",
  owner: "Owner (an agent's code)",
  external_id: "Id in another system",
  id: "Id in Fieldbook",
  tags: "Tags",
  groups: "Groups",
  types: "Types",
  custom: "Custom fields, all",
  preferences: "Consents, all",
};
const LISTS = { emails: "E-mail", phones: "Phone", websites: "Website", addresses: "Address" };
const PARTS = {
  value: "",
  label: "label",
  street: "street",
  city: "city",
  region: "region",
  postal_code: "postal code",
  country: "country",
  formatted: "in one cell",
  e164: "number",
};
const CHANNELS = { email: "Consent: e-mail", phone: "Consent: phone calls", sms: "Consent: SMS" };
const ADDRESS = ["formatted", "street", "postal_code", "city", "region", "country"];

const GROUPS = [
  ["Name", ["name", "first_name", "last_name"]],
  ["Work", ["company", "department", "job_title"]],
  [
    "E-mail, phone, web",
    [
      ...["emails", "emails.work", "emails.home", "emails.other"],
      ...[
        "phones",
        "phones.mobile",
        "phones.work",
        "phones.home",
        "phones.other",
        "phones.work fax",
      ],
      "websites",
    ],
  ],
  [
    "Address",
    [
      "addresses",
      ...["home", "work"].flatMap((slot) => ADDRESS.map((part) => `addresses.${slot}.${part}`)),
    ],
  ],
  ["Labels", ["tags", "groups", "types"]],
  [
    "More",
    [
      "birthday",
      "notes",
      "owner",
      "active",
      "preferences.email",
      "preferences.phone",
      "preferences.sms",
    ],
  ],
  ["Ids", ["external_id", "id"]],
];

// Several columns may fill these: lists take each, and some texts are joined.
const JOINED = [
  "notes",
  "first_name",
  "last_name",
  "tags",
  "groups",
  "types",
  "emails",
  "phones",
  "websites",
];

/** The name of a field of a mapping for a person: "E-mail, work", "Custom field “Size”". */
export function fieldLabel(path) {
  return labelled(path, 0);
}

/** The same of a finding's field, whose items are counted from nought: `emails.0.value`. */
export function findingLabel(field) {
  return field ? labelled(field, 1) : "";
}

/**
 * What a column's select offers: `[{label, options: [{path, label}]}]`. Of custom fields there are the one
 * that the column is called as, and those that other columns go to; the `current` path is always there.
 */
export function fieldGroups(column, current, mapping) {
  const own = [customPath(column), ...Object.values(mapping), current].filter((path) =>
    path?.startsWith("custom."),
  );
  const groups = GROUPS.map(([label, paths]) => ({ label, paths }));
  groups.push({ label: "Custom fields", paths: [...new Set(own)] });
  const known = groups.some(({ paths }) => paths.includes(current));
  if (current && !known) groups.unshift({ label: "As the file has it", paths: [current] });
  return groups.map(({ label, paths }) => ({
    label,
    options: paths.map((path) => ({ path, label: fieldLabel(path) })),
  }));
}

/** The custom field that is called as the column is. */
export const customPath = (name) =>
  `custom.${name.split(/\s+/).filter(Boolean).join(" ").slice(0, 100).trim()}`;

/**
 * The wishes with one more: what a column goes to, null to leave it out. A field that holds one text
 * goes with the column that was sent there last; an earlier wish for it is dropped.
 */
export function withWish(wishes, column, path) {
  const kept = Object.entries(wishes).filter(
    ([, wished]) => path === null || wished !== path || takesSeveral(path),
  );
  return { ...Object.fromEntries(kept), [column]: path };
}

function takesSeveral(path) {
  const [field, ...rest] = path.split(".");
  if (rest.at(-1) === "label") return false;
  if (field === "addresses") return rest.at(-1) === "street";
  return JOINED.includes(field);
}

function labelled(path, first) {
  const [field, ...rest] = path.split(".");
  if (Object.hasOwn(LISTS, field)) return itemLabel(field, rest, first);
  const member = path.slice(field.length + 1);
  if (!member) return own(TEXTS, field) ?? sentence(field);
  if (field === "customs") return customsLabel(rest);
  if (field === "custom") return `Custom field “${member}”`;
  return field === "preferences" ? (own(CHANNELS, member) ?? path) : path;
}

// Columns are called as somebody pleased, `constructor`, too.
const own = (table, key) => (Object.hasOwn(table, key) ? table[key] : undefined);

/** A custom field whose name stands in a column of its own, as Google and HubSpot write them. */
function customsLabel(rest) {
  const part = rest.at(-1) === "label" ? "name" : "value";
  return `${rest.slice(0, -1).join(".")}: ${part} of a custom field`;
}

function itemLabel(field, rest, first) {
  if (!rest.length) return field === "addresses" && !first ? "Address, in one cell" : LISTS[field];
  const part = own(PARTS, rest.at(-1));
  const slot = (part === undefined ? rest : rest.slice(0, -1)).join(".");
  const place = /^[0-9]+$/.test(slot) ? ` ${Number(slot) + first}` : slot && `, ${slot}`;
  return `${LISTS[field]}${place}${part ? `: ${part}` : ""}`;
}

const sentence = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
