import { LABEL_FIELDS, LABELS } from "../core/entities.js";
import { CHANNELS as CHANNEL_NAMES, labelOf } from "../parts/changes.js";

// What a contact is made of, in the order of its form, with the server's bounds.

/** Texts on one line: `{name, label, max}`. */
export const LINES = [
  { name: "first_name", label: "First name", max: 500 },
  { name: "last_name", label: "Last name", max: 500 },
  { name: "company", label: "Company", max: 500 },
  { name: "job_title", label: "Job title", max: 500 },
  { name: "department", label: "Department", max: 500 },
  { name: "external_id", label: "External id", max: 500 },
];

const LABEL = { name: "label", label: "Label", max: 100 };

/**
 * Lists: `{name, label, one, parts}`; the parts of an item with their bounds, its label last. `one`
 * is what an item is called, `labels` are proposed for it.
 */
export const LISTS = [
  {
    name: "emails",
    label: "E-mails",
    one: "e-mail",
    labels: ["work", "private", "billing"],
    parts: [{ name: "value", label: "E-mail", max: 500, type: "email" }, LABEL],
  },
  {
    name: "phones",
    label: "Phones",
    one: "phone",
    labels: ["mobile", "office", "private", "fax"],
    parts: [{ name: "value", label: "Phone", max: 200, type: "tel" }, LABEL],
  },
  {
    name: "addresses",
    label: "Addresses",
    one: "address",
    labels: ["office", "delivery", "private"],
    parts: [
      { name: "street", label: "Street", max: 500, lines: true },
      { name: "postal_code", label: "Postal code", max: 50 },
      { name: "city", label: "City", max: 200 },
      { name: "region", label: "Region", max: 200 },
      { name: "country", label: "Country", max: 200 },
      LABEL,
    ],
  },
  {
    name: "websites",
    label: "Websites",
    one: "website",
    labels: ["company", "shop", "profile"],
    parts: [{ name: "value", label: "Website", max: 2_000, type: "url" }, LABEL],
  },
];

export const SETS = LABELS.map((entity) => {
  const name = LABEL_FIELDS[entity];
  return { name, entity, label: labelOf(name) };
});

export const CHANNELS = Object.entries(CHANNEL_NAMES).map(([name, label]) => ({ name, label }));

export const CONSENTS = { opted_in: "Opted in", opted_out: "Opted out" };

export const MOST = {
  items: 50,
  ids: 500,
  notes: 20_000,
  custom: 200,
  customName: 100,
  customText: 5_000,
  bytes: 65_536,
};

export const listOf = (name) => LISTS.find((list) => list.name === name);
