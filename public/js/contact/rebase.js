import { differences, flatOf, formOf, putValue, same } from "./form.js";

/**
 * Brings a form that is being edited onto what others have made of the contact meanwhile.
 *
 * `editing` is `{form, base, clashes}`: `base` the flat map of the contact that the edits began
 * with, `clashes` a Map from a name to `{theirs}`, of fields that both changed and of which nobody
 * has chosen yet. All three are changed. What only the others changed goes into the form; gives
 * the names of these, for the person to be told.
 */
export function rebase(editing, contact) {
  const { form, base, clashes } = editing;
  const fresh = flatOf(formOf(contact));
  const mine = flatOf(form);
  const taken = [];
  for (const name of differences(base, fresh)) {
    if (same(mine[name], fresh[name])) clashes.delete(name);
    else if (name.endsWith("_ids")) {
      putValue(form, name, mergedSet(base[name], mine[name], fresh[name]));
      taken.push(name);
    } else if (same(mine[name], base[name]) && !clashes.has(name)) {
      putValue(form, name, fresh[name]);
      taken.push(name);
    } else clashes.set(name, { theirs: fresh[name] });
  }
  editing.base = fresh;
  return taken;
}

/** Fresh, with what I added and without what I took away: sets never clash. */
function mergedSet(base = [], mine = [], fresh = []) {
  const added = mine.filter((id) => !base.includes(id));
  const kept = fresh.filter((id) => mine.includes(id) || !base.includes(id));
  return [...new Set([...kept, ...added])];
}

/** Settles a field that both changed: "theirs" goes into the form, "mine" stays there. */
export function choose({ form, clashes }, name, whose) {
  if (whose === "theirs") putValue(form, name, clashes.get(name).theirs);
  clashes.delete(name);
}
