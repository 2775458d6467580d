import { formatTime, timeAgo } from "../core/times.js";
import { html, nothing } from "../vendor.js";
import { changesFor, choosable } from "./choices.js";
import { fieldName, valueLines } from "./inputs.js";

const CHOICE = [
  { label: "Leave it as it is", value: false },
  { label: "Use what is chosen", value: true, primary: true },
];

/**
 * Shows what an edit met: for each field yours, theirs and which one is kept; whoever chooses the
 * other writes it. Resolves with the ack of that, null when nothing was written.
 *
 * `version` is the contact's after the edit: what is chosen here is based on it.
 */
export async function settleConflicts(application, id, { conflicts, version }) {
  const { dialogs, mutations, session, store, toasts } = application;
  const chosen = new Map(conflicts.map(({ field, kept }) => [field, kept]));
  const open = conflicts.some(choosable);
  const agreed = await dialogs.open({
    title: conflicts.length === 1 ? "Somebody else changed this too" : "Others changed these too",
    wide: true,
    body: ({ invalidate }) => html`
      ${open ? html`<p>Choose for each which one is right. What is marked as kept stands now.</p>` : nothing}
      ${conflicts.map((conflict) => question(conflict, chosen, { session, store }, invalidate))}
    `,
    buttons: open ? CHOICE : [{ label: "OK", value: false, primary: true }],
  });
  const changes = agreed ? changesFor(conflicts, chosen) : {};
  if (!Object.keys(changes).length) return null;
  const based = version ? { base_version: version } : {};
  const ack = await mutations.write("contact_update", { id, ...based, changes });
  if (ack.status === "waiting")
    toasts.show("Your choice is kept, and sent when the connection is back.");
  else toasts.show("Your choice is saved.", { kind: "success" });
  return ack;
}

function question({ field, yours, theirs, kept, by, at }, chosen, { session, store }, invalidate) {
  const label = fieldName(field, store);
  const who = by === session.agent.id ? "you, elsewhere" : store.agentName(by);
  const option = (whose, title, value) => html`
    <label class="clash-option">
      <input type="radio" name=${field} value=${whose} .checked=${chosen.get(field) === whose}
        @change=${() => {
          chosen.set(field, whose);
          invalidate();
        }} />
      <span>
        <strong>${title}</strong>${kept === whose ? html` <span class="badge badge-accent">Kept</span>` : nothing}
        ${valueLines(field, value, store)}
      </span>
    </label>
  `;
  if (!choosable({ field, by, kept, yours })) {
    return html`<p class="notice">${label}: there is no such label any more, so it was left out.</p>`;
  }
  return html`
    <fieldset class="clash" data-test="conflict">
      <legend>${label}</legend>
      ${option("yours", "Yours", yours)}
      ${option("theirs", html`Theirs, by ${who}, <span title=${formatTime(at)}>${timeAgo(at)}</span>`, theirs)}
    </fieldset>
  `;
}
