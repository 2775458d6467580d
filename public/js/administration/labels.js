// Tags, groups and types as their page shows them, without a DOM.

/** Each kind: its words, and the fields it has besides its name. */
export const KINDS = {
  tag: { one: "tag", title: "Tags", fields: ["color", "category"] },
  group: { one: "group", title: "Groups", fields: ["description"] },
  type: { one: "type", title: "Types", fields: ["description"] },
};

/** Proposals, told apart by most eyes, and readable as a dot on light and dark. */
export const COLOURS = [
  { value: "#b91c1c", label: "Red" },
  { value: "#c2410c", label: "Orange" },
  { value: "#a16207", label: "Amber" },
  { value: "#15803d", label: "Green" },
  { value: "#0e7490", label: "Teal" },
  { value: "#1d4ed8", label: "Blue" },
  { value: "#7e22ce", label: "Purple" },
  { value: "#be185d", label: "Pink" },
  { value: "#57534e", label: "Grey" },
];

/** "Red", or the colour itself where it has no name here. */
export const colourName = (color) =>
  COLOURS.find(({ value }) => value === color)?.label ?? color ?? "";

/** As searches compare: without capitals and accents. */
export const folded = (text) =>
  (text ?? "").normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();

/** The labels whose name, category or description holds every word. */
export function matching(labels, search) {
  const words = folded(search).split(/\s+/).filter(Boolean);
  if (!words.length) return labels;
  return labels.filter(({ name, category, description }) => {
    const text = folded([name, category, description].filter(Boolean).join(" "));
    return words.every((word) => text.includes(word));
  });
}

const byName = (one, other) => one.name.localeCompare(other.name);

/** In the order asked for: "name", "contacts" or "category", turned round by "-". */
export function ordered(labels, order, counts) {
  const descending = order.startsWith("-");
  const by = order.replace("-", "");
  const count = ({ id }) => counts.get(id) ?? -1;
  const compare = (one, other) => {
    if (by === "contacts") return count(one) - count(other);
    if (by === "category") return byCategory(one, other);
    return byName(one, other);
  };
  return [...labels].sort((one, other) => {
    const first = compare(one, other);
    return (descending ? -first : first) || byName(one, other);
  });
}

/** Those without one come last. */
const byCategory = (one, other) =>
  Number(!one.category) - Number(!other.category) ||
  (one.category ?? "").localeCompare(other.category ?? "");

/** What is wrong with a name before it is sent, or null; `id` is the label's own. */
export function faultOfName(name, labels, id = null) {
  const wanted = name.trim();
  if (!wanted) return "Give it a name.";
  if (wanted.length > 100) return "A name has up to 100 characters.";
  const same = labels.find(
    (label) => label.id !== id && label.name.toLowerCase() === wanted.toLowerCase(),
  );
  return same ? `There is already one called “${same.name}”.` : null;
}

/** What a form holds of a label of a kind: texts, empty where there is nothing. */
export function formOfLabel(kind, label = {}) {
  const names = ["name", ...KINDS[kind].fields];
  return Object.fromEntries(names.map((name) => [name, label[name] ?? ""]));
}

/** The fields of a form that differ from the label's, null where one was emptied. */
export function labelChanges(kind, label, form) {
  const before = formOfLabel(kind, label);
  const changes = {};
  for (const [name, typed] of Object.entries(form)) {
    const text = typed.trim();
    if (name in before && text !== before[name]) changes[name] = text || null;
  }
  return changes;
}

/** The fields of a new label; what is empty is left out. */
export function labelOf(kind, form) {
  const changes = labelChanges(kind, {}, form);
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== null));
}

/** The categories in use, by name. */
export const categoriesOf = (labels) =>
  [...new Set(labels.map(({ category }) => category).filter(Boolean))].sort((one, other) =>
    one.localeCompare(other),
  );
