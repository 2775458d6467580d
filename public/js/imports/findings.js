import { formatCount, formatTime } from "../core/times.js";
import { html, nothing } from "../vendor.js";
import { findingLabel } from "./fields.js";
import { textOf } from "./preview_columns.js";
import { tableBox } from "./tables.js";

/** Rows that fail: which, where in them, and why. Of an edit there are contacts in place of rows. */
export function errorsTable(errors, { router }) {
  return tableBox(
    "Errors",
    [errors.some(({ row }) => row) ? "Row" : "Contact", "Field", "What is wrong"],
    errors.map(
      (error) => html`
        <tr>
          <td class="finding-row">${place(error, router)}</td>
          <td>${error.column ?? findingLabel(error.field)}</td>
          <td class="finding-text">${error.message}</td>
        </tr>
      `,
    ),
    "findings",
  );
}

/** Fresh edits that are overwritten: whose, what it was, what it becomes. */
export function conflictsTable(conflicts, { router, store }) {
  return tableBox(
    "Conflicts",
    ["Row", "Contact", "Field", "It was", "It becomes", "Edited by", "When"],
    conflicts.map(
      (conflict) => html`
        <tr>
          <td class="finding-row">${conflict.row ? formatCount(conflict.row) : nothing}</td>
          <td>${contactLink(conflict.contact_id, router)}</td>
          <td>${findingLabel(conflict.field)}</td>
          <td class="finding-text">${named(conflict.field, conflict.from, store)}</td>
          <td class="finding-text">${named(conflict.field, conflict.to, store)}</td>
          <td>${store.agentName(conflict.by)}</td>
          <td>${formatTime(conflict.at)}</td>
        </tr>
      `,
    ),
    "findings",
  );
}

/** Contacts that an undo left as they are. */
export function leftTable(left, { router }) {
  return tableBox(
    "Left as they are",
    ["Contact", "Why"],
    left.map(
      ({ contact_id, message }) => html`
        <tr>
          <td>${contactLink(contact_id, router)}</td>
          <td class="finding-text">${message}</td>
        </tr>
      `,
    ),
    "findings",
  );
}

const contactLink = (id, router) =>
  id ? html`<a href=${router.href(`/contacts/${id}`)}>Open</a>` : nothing;

const place = ({ row, contact_id }, router) =>
  row ? formatCount(row) : contactLink(contact_id, router);

function named(field, value, store) {
  if (field === "owner_id" && value) return store.agentName(value);
  return textOf(value) || "nothing";
}
