import { PLURALS } from "../core/entities.js";
import { plural } from "../core/times.js";
import { JobPanel } from "../parts/job.js";
import { html, nothing } from "../vendor.js";
import { field } from "./field.js";
import { KINDS } from "./labels.js";

/**
 * Merges a label into another of its kind: asks which, says how many contacts it concerns, and shows
 * how far the job is. The job goes on when the dialog is closed.
 */
export async function mergeLabel(application, kind, label) {
  const dialog = new MergeDialog(application, kind, label);
  await dialog.open();
}

class MergeDialog {
  #into = "";
  #preview = null;
  #error = null;
  #panel = null;
  #end = new AbortController();
  #invalidate = () => {};

  constructor(application, kind, label) {
    this.application = application;
    this.kind = kind;
    this.label = label;
    this.path = `/api/${PLURALS[kind]}/${label.id}/merge`;
  }

  async open() {
    await this.application.dialogs.open({
      title: `Merge “${this.label.name}” into another ${KINDS[this.kind].one}`,
      body: ({ invalidate }) => {
        this.#invalidate = invalidate;
        return this.#panel ? this.#panel.template() : this.#question();
      },
      buttons: () => this.#buttons(),
    });
    this.#end.abort();
  }

  #buttons() {
    if (this.#panel) return [{ label: "Close", value: true, primary: true }];
    return [
      { label: "Cancel", value: false },
      {
        label: "Merge",
        value: true,
        primary: true,
        danger: true,
        disabled: !this.#preview,
        check: () => this.#start(),
      },
    ];
  }

  #question() {
    const { one } = KINDS[this.kind];
    const others = this.application.store
      .labels(this.kind)
      .filter(({ id, pending }) => id !== this.label.id && !pending);
    return html`
      ${field({
        id: "merge-into",
        label: `The ${one} that stays`,
        errors: this.#error ? [this.#error.message] : [],
        control: ({ id, describedby, invalid }) => html`
          <select
            id=${id}
            aria-describedby=${describedby}
            aria-invalid=${invalid}
            @change=${({ target }) => this.#chosen(target.value)}
          >
            <option value="" ?selected=${!this.#into}>Choose one</option>
            ${others.map(
              (label) =>
                html`<option value=${label.id} ?selected=${label.id === this.#into}>${label.name}</option>`,
            )}
          </select>
        `,
      })}
      <p role="status" data-test="merge-preview">${this.#told()}</p>
    `;
  }

  #told() {
    if (!this.#into || this.#error) return nothing;
    if (!this.#preview) return "Counting…";
    const target = this.application.store.label(this.kind, this.#into)?.name;
    const { updated } = this.#preview.counts;
    const contacts = updated
      ? `${plural(updated, "contact has", "contacts have")} “${this.label.name}”, and ${updated === 1 ? "gets" : "get"} “${target}” in its place.`
      : `No contact has “${this.label.name}”.`;
    return `${contacts} Then “${this.label.name}” is deleted.`;
  }

  async #chosen(into) {
    this.#into = into;
    this.#preview = null;
    this.#error = null;
    this.#invalidate();
    if (!into) return;
    let preview = null;
    let error = null;
    try {
      preview = await this.application.rest.post(this.path, { into }, { dry_run: true });
    } catch (failure) {
      error = failure;
    }
    // Another one may have been chosen meanwhile.
    if (this.#into !== into || this.#end.signal.aborted) return;
    this.#preview = preview;
    this.#error = error;
    this.#invalidate();
  }

  /** False, as the dialog stays open to show how far it is. */
  async #start() {
    try {
      const job = await this.application.rest.post(this.path, { into: this.#into });
      this.#panel = new JobPanel(this.application, job.id, {
        changed: () => this.#invalidate(),
        signal: this.#end.signal,
        link: false,
        title: false,
      });
    } catch (error) {
      this.#error = error;
    }
    return false;
  }
}
