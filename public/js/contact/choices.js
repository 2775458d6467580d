import { splitName } from "./form.js";

// What one chooses of the values of a conflict, `{field, yours, theirs, kept, by, at}`.

/** A label that does not exist can't be given, whatever one chooses; nor can a deletion here. */
export const choosable = ({ field, by, kept, yours }) =>
  field !== "deleted" &&
  !(splitName(field)[0].endsWith("_ids") && !by && kept === "theirs" && yours);

/** The `changes` that write each choice that is not what stands already. */
export function changesFor(conflicts, chosen) {
  const changes = {};
  for (const { field, yours, theirs, kept } of conflicts) {
    const whose = chosen.get(field);
    if (whose !== kept) addChange(changes, field, (whose === "yours" ? yours : theirs) ?? null);
  }
  return changes;
}

function addChange(changes, field, value) {
  const [name, member] = splitName(field);
  const known = changes[name] ?? {};
  if (member === undefined) changes[name] = value;
  else if (name.endsWith("_ids")) {
    const list = value ? "add" : "remove";
    changes[name] = { ...known, [list]: [...(known[list] ?? []), member] };
  } else changes[name] = Object.fromEntries([...Object.entries(known), [member, value]]);
}
