// What was refused for these reasons the server keeps nowhere; the rest is in the row's history.
const LOST = ["invalid", "conflict", "too_large", "not_found"];

/** Whether what a refused mutation held is to be had here alone: then it stays, to be mended. */
export const isMendable = ({ event, refused }) =>
  (event === "contact_create" || event === "contact_update") && LOST.includes(refused.code);

/**
 * The changes of an edit without what later ones of the same row wrote anew: field by field, and
 * in `custom`, `preferences` and sets of ids member by member.
 */
export function withoutLater(changes, later) {
  const left = structuredClone(changes);
  for (const [field, value] of later.flatMap(Object.entries)) {
    if (!(field in left)) continue;
    if (!isParted(left[field]) || !isParted(value)) delete left[field];
    else if (field.endsWith("_ids")) removeIds(left[field], value);
    else for (const member of Object.keys(value)) delete left[field][member];
  }
  return left;
}

const isParted = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function removeIds(mine, { add = [], remove = [] }) {
  const written = new Set([...add, ...remove]);
  for (const way of Object.keys(mine)) mine[way] = mine[way].filter((id) => !written.has(id));
}
