/** The newest entries over those that are known, newest first, each once. */
export function merged(known, fresh) {
  const newer = new Set(fresh.map(({ id }) => id));
  return [...fresh, ...known.filter(({ id }) => !newer.has(id))].sort(
    (one, other) => Date.parse(other.started) - Date.parse(one.started),
  );
}
