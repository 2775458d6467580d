/** Every entity that syncs, by its name in payloads, with its plural in change sets and REST. */
export const PLURALS = { contact: "contacts", tag: "tags", group: "groups", type: "types" };

/** Those that mark contacts. */
export const LABELS = ["tag", "group", "type"];

/** The contact's set of each kind of label. */
export const LABEL_FIELDS = { tag: "tag_ids", group: "group_ids", type: "type_ids" };
