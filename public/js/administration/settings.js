// The company's settings: what each is, and what of a form is to be sent, without a DOM.

/**
 * In the order of the form. `kind` is text, number, flag or choice; a text that is `optional` may be
 * empty, which is null for the server.
 */
export const SETTINGS = [
  {
    name: "region",
    label: "Country",
    kind: "text",
    optional: true,
    most: 2,
    help: "Of phone numbers without a country code, and of dates in imports. Two letters, like CH or US; empty for the server's own.",
  },
  {
    name: "clean_phones",
    label: "Write phone numbers in their international form",
    kind: "flag",
    help: "A number becomes +41 44 668 18 00 when it is saved. Otherwise it stays as it was typed.",
  },
  {
    name: "duplicates",
    label: "A new contact with the e-mail or number of another one",
    kind: "choice",
    options: [
      { value: "allow", label: "is made", what: "Nobody looks whether it is there already." },
      {
        value: "warn",
        label: "is made, with a warning",
        what: "Whoever makes it sees the others.",
      },
      { value: "refuse", label: "is refused", what: "Whoever makes it is led to the other one." },
    ],
  },
  {
    name: "agents_edit",
    label: "Agents may edit",
    kind: "choice",
    options: [
      { value: "all", label: "all contacts", what: "Whoever owns them." },
      {
        value: "own",
        label: "only contacts they own",
        what: "Managers, admins and programs still edit all. A refused edit is kept in the history.",
      },
    ],
  },
  {
    name: "max_tags",
    label: "Tags a contact may have",
    kind: "number",
    least: 1,
    most: 500,
    help: "1 to 500. Contacts that have more keep them, but get no further ones.",
  },
  {
    name: "conflict_days",
    label: "Days for which an edit counts as fresh",
    kind: "number",
    least: 0,
    most: 365,
    help: "0 to 365. An import that overwrites a fresh edit lists it under its conflicts.",
  },
  {
    name: "min_app_version",
    label: "Oldest version of the app",
    kind: "text",
    optional: true,
    most: 50,
    help: "Devices below it, like 2.3 below 2.4, are shown as outdated. They still sync. Empty: any will do.",
  },
];

/** What the form holds of the settings: texts for texts and numbers, as they are typed. */
export function formOf(settings) {
  return Object.fromEntries(
    SETTINGS.map(({ name, kind }) => {
      const value = settings[name];
      if (kind === "flag" || kind === "choice") return [name, value];
      return [name, value === null ? "" : String(value)];
    }),
  );
}

/** The value that a typed one means: null for an empty text, a number where it is one. */
function meantBy({ kind, optional }, typed) {
  if (kind === "flag" || kind === "choice") return typed;
  const text = typed.trim();
  if (optional && !text) return null;
  // What is no number is sent as it is, so that the server says what is wrong with it.
  if (kind === "number") return /^\d+$/.test(text) ? Number(text) : text;
  return text;
}

/** The settings that differ from what is saved, as they are sent. */
export function changedSettings(saved, form) {
  const changes = {};
  for (const setting of SETTINGS) {
    const value = meantBy(setting, form[setting.name]);
    const same =
      setting.name === "region"
        ? value?.toUpperCase() === saved.region
        : value === saved[setting.name];
    if (!same) changes[setting.name] = value;
  }
  return changes;
}

/** The saved values of what was changed, which put it back. */
export const undoOf = (saved, changes) =>
  Object.fromEntries(Object.keys(changes).map((name) => [name, saved[name]]));
