/** Every entity that syncs, by its name in payloads, with its plural in change sets and REST. */
export const PLURALS = { contact: "contacts", tag: "tags", group: "groups", type: "types" };

/** Those that mark contacts. */
export const LABELS = ["tag", "group", "type"];

/** The contact's set of each kind of label. */
export const LABEL_FIELDS = { tag: "tag_ids", group: "group_ids", type: "type_ids" };

const turned = (names) =>
  Object.fromEntries(Object.entries(names).map(([one, other]) => [other, one]));

/** The entity of a plural, and of a contact's set. */
export const SINGULARS = turned(PLURALS);
export const FIELD_LABELS = turned(LABEL_FIELDS);
