import { SINGULARS } from "../core/entities.js";
import { ENDED } from "../core/jobs.js";
import { formatCount, plural } from "../core/times.js";
import { labelOf } from "./changes.js";

// What there is to say of an import or a bulk edit, without a DOM.

const MOST_NAMES = 3;
const STATES = {
  queued: { label: "Waiting", badge: "" },
  running: { label: "Running", badge: "badge-accent" },
  done: { label: "Done", badge: "badge-good" },
  failed: { label: "Failed", badge: "badge-bad" },
  cancelled: { label: "Cancelled", badge: "badge-warning" },
  undone: { label: "Undone", badge: "" },
};
const UNDO_STATES = {
  queued: { label: "Undo waits", badge: "" },
  running: { label: "Being undone", badge: "badge-accent" },
  failed: { label: "Undo failed", badge: "badge-bad" },
};

/** `{label, badge}`: the state in words, and the class of its badge. */
export function stateWords(job) {
  const words = (job.undo && UNDO_STATES[job.state]) ?? STATES[job.state];
  return words ?? { label: job.state, badge: "" };
}

export const isOver = (job) => ENDED.includes(job.state);

/** One that is being undone can't be stopped half-way. */
export const canCancel = (job) => !isOver(job) && !job.undo;

/** Only what changed a contact can be taken back, and only once it is over. */
export function canUndo(job) {
  return isOver(job) && job.state !== "undone" && job.counts.created + job.counts.updated > 0;
}

/** "Import of clients.csv", "Deletion of 12 contacts", "Merge of the tag VIP into Client", "Owner set". */
export function jobTitle(job) {
  if (job.edit) return editTitle(job.edit, job.progress.total);
  return job.file_name ? `Import of ${job.file_name}` : "Import";
}

function editTitle({ contacts, delete: deletes, merge, changed }, total) {
  if (merge)
    return `Merge of the ${SINGULARS[merge.plural]} ${merge.from_name} into ${merge.into_name}`;
  if (deletes) {
    const count = contacts ?? total;
    return `Deletion of ${count === null ? "contacts" : plural(count, "contact")}`;
  }
  const names = [...new Set(changed.map(nameOf))];
  if (names.length > MOST_NAMES) return `${formatCount(names.length)} fields changed`;
  const whole = names.length === 1 && !changed[0].endsWith("_ids");
  return `${listed(names)} ${whole ? "set" : "changed"}`;
}

/** "Owner", "Tags", "“Size”" of a custom field. */
function nameOf(field) {
  const [name, member] = field.split(/\.(.*)/s);
  return name === "custom" && member ? `“${member}”` : labelOf(name);
}

/** "Owner, tags and groups" */
function listed([first, ...others]) {
  const rest = others.map((name) => name[0].toLowerCase() + name.slice(1));
  const last = rest.pop();
  return [[first, ...rest].join(", "), last].filter(Boolean).join(" and ");
}

/** `{done, total, fraction, text}`; total and fraction are null until it is known how much there is. */
export function progressOf(job) {
  const { done, total } = job.progress;
  const what = unitOf(job);
  if (total === null)
    return { done, total, fraction: null, text: done ? plural(done, what) : "Counting…" };
  const fraction = total ? Math.min(1, done / total) : Number(isOver(job));
  return { done, total, fraction, text: `${formatCount(done)} of ${plural(total, what)}` };
}

/** The counts to show: `[{name, label, count, bad}]`; what an edit can't do is left out. */
export function countsOf(job) {
  const { counts, kind, edit } = job;
  const updated = edit?.delete ? "deleted" : "changed";
  const shown = [
    { name: "created", label: "created" },
    { name: "updated", label: kind === "import" ? "updated" : updated },
    { name: "unchanged", label: "unchanged" },
    { name: "conflicts", label: counts.conflicts === 1 ? "conflict" : "conflicts", warning: true },
    { name: "errors", label: counts.errors === 1 ? "error" : "errors", bad: true },
  ];
  return shown
    .filter(({ name }) => name !== "created" || kind === "import" || counts.created)
    .map((each) => ({ ...each, count: counts[each.name] }));
}

/** One sentence on what became of it, as for a list, a toast or a screen reader. */
export function summaryOf(job) {
  if (job.undo) {
    const left = job.undo.left
      ? `, ${formatCount(job.undo.left)} left as they were edited since`
      : "";
    return `${plural(job.undo.undone, "contact")} taken back${left}`;
  }
  const told = countsOf(job).filter(({ count }) => count);
  if (!told.length) return isOver(job) ? "Nothing was changed" : "Nothing yet";
  return told.map(({ count, label }) => `${formatCount(count)} ${label}`).join(", ");
}

/** What an undo is about to do, to be agreed to. */
export function undoQuestion(job) {
  const { created, updated } = job.counts;
  const parts = [];
  if (created)
    parts.push(
      `${plural(created, "contact")} that it made ${created === 1 ? "is" : "are"} deleted`,
    );
  if (updated)
    parts.push(`${plural(updated, "contact")} ${updated === 1 ? "is" : "are"} put back as before`);
  return `${parts.join(", ")}. Contacts that somebody edited since are left as they are, and listed.`;
}

function unitOf(job) {
  if (job.undo) return "change";
  return job.kind === "import" ? "row" : "contact";
}
