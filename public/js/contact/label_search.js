// Finding labels by their names.

/** The labels whose names have every word of the query; those that begin with it first. */
export function matching(labels, query) {
  const folded = fold(query).trim();
  const words = folded.split(/\s+/).filter(Boolean);
  const found = labels.filter(({ name }) => words.every((word) => fold(name).includes(word)));
  if (!folded) return found;
  const first = found.filter(({ name }) => fold(name).startsWith(folded));
  return [...first, ...found.filter((label) => !first.includes(label))];
}

const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
