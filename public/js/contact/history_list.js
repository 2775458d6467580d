import { formatTime, timeAgo } from "../core/times.js";
import { changeList } from "../parts/change_list.js";
import { failed, skeleton } from "../parts/states.js";
import { html, nothing, repeat } from "../vendor.js";
import { asEntry } from "./history.js";
import { exactly } from "./reading.js";

const WORDS = {
  create: "made the contact",
  update: "changed it",
  delete: "deleted it",
  restore: "restored it",
};
const ORIGINS = { import: "by an import", job: "by a bulk edit", sql: "in the database" };
const OUTCOMES = {
  lost: { text: "Not kept, as a later edit overruled it", kind: "badge-warning" },
  refused: { text: "Refused", kind: "badge-bad" },
};

/**
 * What was done to a contact. `pending` are its unsent mutations; `restore(entry)` puts back what
 * an entry holds.
 */
export function historyList(history, { store, session, heading, pending, restore }) {
  return html`
    <section class="contact-history" aria-label="History">
      ${heading(2, "History")}
      ${unsent(pending, store, session)} ${entries(history, { store, restore })}
    </section>
  `;
}

function entries(history, { store, restore }) {
  const { items, cursor, error } = history;
  if (!items) return error ? failed(error, () => history.refresh()) : skeleton(4);
  const newest = items.find(({ outcome }) => outcome === "applied");
  return html`
    <ol class="contact-entries" data-test="history">
      ${repeat(
        items,
        ({ id }) => id,
        (item) => entry(item, { history, store, restore, current: item === newest }),
      )}
    </ol>
    ${error ? failed(error, () => history.refresh()) : nothing}
    ${
      cursor
        ? html`<button type="button" class="secondary" aria-busy=${history.busy ? "true" : nothing} @click=${() => history.more()}>Show older</button>`
        : nothing
    }
  `;
}

function entry(item, { history, store, restore, current }) {
  const outcome = OUTCOMES[item.outcome];
  return html`
    <li class="contact-entry">
      <div class="contact-entry-head">
        <span class="contact-entry-what">
          <strong>${store.agentName(item.agent)}</strong> ${outcome ? "wanted to change it" : (WORDS[item.op] ?? item.op)}
          ${ORIGINS[item.origin] ?? ""}
          ${item.device ? html`<span class="muted">on ${history.deviceName(item.device)}</span>` : nothing}
        </span>
        <time class="muted" datetime=${item.at} title=${exactly(item.at)}>${timeAgo(item.at)}</time>
      </div>
      ${outcome ? html`<span class="badge ${outcome.kind}">${outcome.text}</span>` : nothing}
      ${item.op === "create" || item.op === "update" || outcome ? changeList(item.changes, store) : otherChanges(item, store)}
      ${restoreButton(item, current, restore)}
    </li>
  `;
}

/** Of a deletion that it was one is said already. */
function otherChanges({ changes }, store) {
  const { deleted: _, ...rest } = changes;
  return changeList(rest, store);
}

function restoreButton(item, current, restore) {
  if (item.outcome === "applied" && item.op === "delete") return nothing;
  if (current) return html`<span class="badge badge-accent">As it is now</span>`;
  const lost = item.outcome !== "applied";
  const words = lost ? "Restore these values" : "Restore this state";
  return html`
    <button type="button" class="quiet" aria-label=${`${words}, of ${formatTime(item.at)}`} @click=${() => restore(item)}>
      ${words}
    </button>
  `;
}

/** The edits that wait to be sent, newest first. */
function unsent(pending, store, session) {
  if (!pending.length) return nothing;
  return html`
    <ol class="contact-entries" data-test="unsent">
      ${[...pending].reverse().map(
        ({ event, payload }) => html`
          <li class="contact-entry contact-entry-unsent">
            <div class="contact-entry-head">
              <span class="contact-entry-what"><strong>${session.agent.name}</strong> ${WORDS[event.split("_")[1]]}</span>
              <time class="muted" title=${exactly(payload.edited_at)}>${timeAgo(payload.edited_at)}</time>
            </div>
            <span class="badge badge-warning">Not sent yet</span>
            ${changeList(asEntry(payload.changes ?? {}), store)}
          </li>
        `,
      )}
    </ol>
  `;
}
