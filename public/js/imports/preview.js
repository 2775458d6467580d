import { SINGULARS } from "../core/entities.js";
import { formatCount, plural } from "../core/times.js";
import { changeList } from "../parts/change_list.js";
import { jobCounts } from "../parts/job.js";
import { html, nothing } from "../vendor.js";
import { conflictsTable, errorsTable } from "./findings.js";
import { previewColumns } from "./preview_columns.js";
import { part, tableBox } from "./tables.js";

const WOULD = { created: "to create", updated: "to update" };

/** What an import would do, by its counts. */
export const previewCounts = (answer) =>
  html`<div data-test="preview-counts">${jobCounts(answer, WOULD)}</div>`;

/** What there is to know besides: what is left behind, what is made along the way. */
export function previewNotes({ notes, new_labels }) {
  const labels = newLabels(new_labels);
  if (!notes.length && labels === nothing) return nothing;
  return html`<div class="import-notes">${notes.map((note) => html`<p class="notice">${note}</p>`)} ${labels}</div>`;
}

/** In one sentence. */
export function previewSummary({ counts }) {
  const { rows, created, updated, unchanged, errors } = counts;
  const parts = [`${formatCount(created)} to create`, `${formatCount(updated)} to update`];
  if (unchanged) parts.push(`${formatCount(unchanged)} unchanged`);
  if (errors) parts.push(`${formatCount(errors)} with errors`);
  return `${plural(rows, "row")}: ${parts.join(", ")}`;
}

/** The first contacts, updates, errors and conflicts. */
export function previewParts(answer, application) {
  const { preview, differences, errors, conflicts, counts } = answer;
  return html`
    ${errors.length ? part("Rows that would fail", errorsTable(errors, application), firstOf(errors)) : nothing}
    ${
      conflicts.length
        ? part(
            "Fresh edits that would be overwritten",
            conflictsTable(conflicts, application),
            firstOf(conflicts),
          )
        : nothing
    }
    ${part("The first contacts", contactsTable(preview), of(preview.length, counts.rows))}
    ${
      differences.length
        ? part(
            "The first updates",
            differencesList(differences, application),
            of(differences.length, counts.updated),
          )
        : nothing
    }
  `;
}

function contactsTable(contacts) {
  const columns = previewColumns(contacts);
  return tableBox(
    "The first contacts",
    columns.map(({ label }) => label),
    contacts.map(
      (contact) => html`
        <tr>
          ${columns.map(({ text }) => html`<td class="preview-cell">${text(contact)}</td>`)}
        </tr>
      `,
    ),
  );
}

function differencesList(differences, { store, router }) {
  // Labels that the import would make have no rows yet.
  const names = {
    agentName: (id) => store.agentName(id),
    label: (entity, id) => store.label(entity, id) ?? { name: `a new ${entity}` },
  };
  return html`
    <ul class="differences">
      ${differences.map(
        ({ row, id, changes }) => html`
          <li>
            <div class="difference-head">
              <strong>${row ? `Row ${formatCount(row)}` : nothing}</strong>
              <a href=${router.href(`/contacts/${id}`)}>Open the contact</a>
            </div>
            ${changeList(changes, names)}
          </li>
        `,
      )}
    </ul>
  `;
}

function newLabels(byPlural) {
  const made = Object.entries(byPlural).filter(([, names]) => names.length);
  if (!made.length) return nothing;
  return html`
    <div class="new-labels" data-test="new-labels">
      ${made.map(
        ([plurals, names]) => html`
          <p>
            <span class="muted">New ${names.length === 1 ? SINGULARS[plurals] : plurals}:</span>
            ${names.slice(0, 30).map((name) => html`<span class="chip">${name}</span> `)}
            ${names.length > 30 ? `and ${formatCount(names.length - 30)} more` : nothing}
          </p>
        `,
      )}
    </div>
  `;
}

const of = (shown, all) =>
  shown < all
    ? html`<span class="muted">${formatCount(shown)} of ${formatCount(all)}</span>`
    : nothing;

// The server gives a hundred at most.
const firstOf = (findings) =>
  findings.length >= 100 ? html`<span class="muted">the first 100</span>` : nothing;
