import { icon } from "../parts/icon.js";
import { html, nothing } from "../vendor.js";

/** What is on its way: how far it is, and how to stop it. */
export function attemptProgress(draft, stop) {
  const sending = draft.sent < 1 && draft.state !== "waiting";
  return html`
    <div class="import-progress">
      <span>${doing(draft)}</span>
      ${
        sending
          ? html`<progress aria-label="Sent" max="1" value=${draft.sent}></progress>`
          : html`<progress aria-label="Working"></progress>`
      }
      <button type="button" class="secondary" @click=${stop}>Stop</button>
    </div>
  `;
}

/** Why there is no answer, or no import: what was refused or stopped, and how to go on. */
export function attemptEnd(draft, run) {
  // What may have been imported is not looked at anew: sent again, it is the same import.
  const again = draft.ready ? run : () => draft.ask();
  if (draft.state === "stopped") {
    return html`
      <div class="import-stopped" role="status" data-test="stopped">
        <span>${draft.ready ? MAY_HAVE_BEGUN : "Stopped. Nothing was changed."}</span>
        <button type="button" class="secondary" @click=${again}>${draft.ready ? "Import it" : "Look again"}</button>
      </div>
    `;
  }
  if (draft.state !== "refused") return nothing;
  const { error } = draft;
  return html`
    <div class="import-refused" role="alert" data-test="refused">
      ${icon("error")}
      <div>
        <strong>${error.passing ? "It did not get through" : "This can't be imported"}</strong>
        ${reasons(error).map((reason) => html`<p>${reason}</p>`)}
      </div>
      <button type="button" class="secondary" @click=${again}>Try again</button>
    </div>
  `;
}

const MAY_HAVE_BEGUN =
  "Stopped. If the whole file was sent, the import has begun all the same; importing it again begins no second one.";

function doing({ state, sent }) {
  if (state === "waiting") return "Looking again…";
  if (sent < 1) return `Sending the file: ${Math.floor(sent * 100)} %`;
  return state === "starting" ? "Starting the import…" : "Looking through the file…";
}

/** What an error says, and at which option, each once. */
function reasons({ message, fields }) {
  const atFields = Object.entries(fields).flatMap(([name, messages]) =>
    messages.map((each) => (["file", "Content-Type"].includes(name) ? each : `${name}: ${each}`)),
  );
  const told = atFields.filter((each) => !each.endsWith(message));
  return [...new Set([message, ...told])];
}
