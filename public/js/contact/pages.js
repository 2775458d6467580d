import { nameOf } from "../core/overlay.js";
import { timeAgo } from "../core/times.js";
import { icon } from "../parts/icon.js";
import { failed, skeleton } from "../parts/states.js";
import { html, nothing } from "../vendor.js";
import { contactOf, flatOf } from "./form.js";
import { headingsFor } from "./headings.js";
import { lastName } from "./history.js";
import { historyList } from "./history_list.js";
import { fieldName } from "./inputs.js";
import { exactly, reading } from "./reading.js";

/** What a contact's page (`view`, a ContactView) shows in each of its states. */
export function page(view) {
  const { heading } = headingsFor(!view.wide.matches);
  return html`
    <div class="contact" data-test="contact">${body(view, heading)}</div>
  `;
}

function body(view, heading) {
  if (view.form) {
    const deletedBy = view.state === "deleted" ? deletion(view, "This contact was deleted") : null;
    return view.form.template({ heading, name: view.contact?.display_name, deletedBy });
  }
  if (view.isNew) return html`${heading(1, "New contact")} ${draftNotice(view)}`;
  switch (view.state) {
    case "shown":
      return html`${draftNotice(view)} ${shown(view, heading)} ${history(view, heading)}`;
    case "deleted":
      return html`${deleted(view, heading)} ${view.draft?.unborn ? draftNotice(view) : nothing} ${history(view, heading)}`;
    case "missing":
      return view.draft?.unborn ? unborn(view, heading) : missing(view, heading);
    case "failed":
      return failed(view.error, () => view.load());
    default:
      return skeleton(8);
  }
}

function shown(view, heading) {
  const { store } = view.application;
  const actions = html`
    <button type="button" class="contact-edit" @click=${() => view.edit()}>${icon("edit")}Edit</button>
    <button type="button" class="secondary" @click=${() => view.actions.remove()}>${icon("trash")}Delete</button>
  `;
  return reading(view.contact, { store, heading, actions, conflictNotice: conflictNotice(view) });
}

function draftNotice(view) {
  const { draft } = view;
  if (!draft) return nothing;
  return html`
    <div class="notice contact-notice" role="status" data-test="draft">
      <span>
        ${draft.why ? html`What you entered was refused: ${draft.why} It is kept as a draft` : "You have an unsaved draft"},
        typed <span title=${exactly(draft.at)}>${timeAgo(draft.at)}</span>.
      </span>
      <span class="buttons">
        <button type="button" class="secondary" @click=${() => view.edit()}>Restore</button>
        <button type="button" class="secondary" @click=${() => view.discardDraft()}>Discard</button>
      </span>
    </div>
  `;
}

function conflictNotice(view) {
  if (!view.conflicts.length) return nothing;
  const { store } = view.application;
  const names = view.conflicts.map(({ field }) => fieldName(field, store)).join(", ");
  return html`
    <div class="notice contact-notice" role="status" data-test="conflict-notice">
      <span>An edit of yours that had waited met another one: ${names}.</span>
      <button type="button" class="secondary" @click=${() => view.actions.settle()}>Choose</button>
    </div>
  `;
}

function deleted(view, heading) {
  const { mutations } = view.application;
  const pending = mutations.of(view.id).at(-1);
  const comesBack = pending?.event === "contact_restore";
  const name = view.contact?.display_name || lastName(view.history.items);
  return html`
    <header class="contact-head">
      <div class="contact-title">
        ${heading(1, name || "A deleted contact")}
        <div class="contact-badges">
          <span class="badge badge-bad">${icon("trash")}Deleted</span>
          ${pending ? html`<span class="badge badge-warning" data-test="pending">${icon("offline")}Not sent yet</span>` : nothing}
        </div>
      </div>
    </header>
    <div class="notice contact-notice" data-test="deleted">
      <span>${comesBack ? "This contact comes back when the connection does." : `${deletion(view, "This contact was deleted")}. Its history stays.`}</span>
      ${comesBack ? nothing : html`<button type="button" @click=${() => view.actions.restore()}>${icon("undo")}Restore</button>`}
    </div>
  `;
}

/** A contact that there is only here, as a draft. */
const unborn = (view, heading) => html`
  ${heading(1, nameOf(contactOf(view.id, flatOf(view.draft.form))) || "New contact")} ${draftNotice(view)}
`;

/** "Ann Lee deleted this contact 5 minutes ago", as far as that is known. */
function deletion({ history, application }, unknown) {
  const entry = history?.items?.find(({ op, outcome }) => outcome === "applied" && op !== "update");
  if (entry?.op !== "delete") return unknown;
  return `${application.store.agentName(entry.agent)} deleted this contact ${timeAgo(entry.at)}`;
}

const missing = ({ application, query }, heading) => html`
  <div class="state" data-test="missing">
    ${heading(1, "No such contact")}
    <p>There is no contact with this address. It may have been removed for good, or the link is not complete.</p>
    <a href=${application.router.href("/contacts", query)}>Go to the list of contacts</a>
  </div>
`;

function history(view, heading) {
  const { mutations, store, session } = view.application;
  return historyList(view.history, {
    store,
    session,
    heading,
    pending: mutations.of(view.id),
    restore: (entry) => view.actions.restoreEntry(entry),
  });
}
