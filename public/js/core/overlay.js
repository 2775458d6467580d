// A row as its writer sees it before the server has answered: unsent edits laid over it.

/** The ids of a set after `{add, remove}`, or a plain list in its place. */
export function changedSet(ids = [], change) {
  if (change === null) return [];
  if (Array.isArray(change)) return change;
  const removed = new Set(change.remove ?? []);
  return [...new Set([...ids.filter((id) => !removed.has(id)), ...(change.add ?? [])])];
}

/** The custom fields or preferences after a change of some; null takes one away. */
function changedMap(map = {}, change) {
  const all = { ...map, ...change };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

/** The row with `changes`, as the server will apply them. */
export function withChanges(row, changes) {
  const changed = { ...row };
  for (const [field, value] of Object.entries(changes)) {
    if (field.endsWith("_ids")) changed[field] = changedSet(row[field], value);
    else if (field === "custom" || field === "preferences") {
      changed[field] = value === null ? {} : changedMap(row[field], value);
    } else changed[field] = value;
  }
  if (["first_name", "last_name", "company"].some((field) => field in changes)) {
    changed.display_name = nameOf(changed);
  }
  return changed;
}

/** What a contact is called, by the server's rule: its name, else company, e-mail, phone. */
export function nameOf(row) {
  const full = [row.first_name, row.last_name].filter(Boolean).join(" ");
  return full || row.company || row.emails?.[0]?.value || row.phones?.[0]?.value || "";
}

/**
 * The row as to be shown, or undefined when there is none (any more).
 *
 * `row` is the server's, undefined if it has none yet; `mutations` are unsent, oldest first.
 */
export function overlaid(row, mutations, entity) {
  let shown = row;
  let hidden;
  for (const { event, payload } of mutations) {
    if (event.endsWith("_create")) {
      shown ??= { ...payload[entity], display_name: nameOf(payload[entity]), version: 0 };
    } else if (event.endsWith("_update") && shown) shown = withChanges(shown, payload.changes);
    else if (event.endsWith("_delete")) [hidden, shown] = [shown ?? hidden, undefined];
    else if (event.endsWith("_restore")) shown ??= hidden;
  }
  return shown && mutations.length ? { ...shown, pending: true } : shown;
}
