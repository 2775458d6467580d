import { newId } from "../core/ids.js";
import { nameOf } from "../core/overlay.js";
import { formatCount, plural } from "../core/times.js";
import { changeList } from "../parts/change_list.js";
import { skeleton } from "../parts/states.js";
import { html, nothing } from "../vendor.js";
import { changesOf, faultOf, newStep, stepInWords } from "./bulk_changes.js";
import { stepsForm } from "./bulk_steps.js";

const SHOWN = 5;

/**
 * Asks what to do with many contacts, shows what that would do, and starts it.
 *
 * `which` is `{ids}` or `{filter}`, `count` how many those are, `deleting` whether they are to be
 * deleted. Resolves with the job, null when it was not started.
 */
export async function openBulkDialog(application, which, count, { deleting = false } = {}) {
  const dialog = new BulkDialog(application, which, count, deleting);
  const title = deleting
    ? `Delete ${plural(count, "contact")}`
    : `Edit ${plural(count, "contact")}`;
  if (deleting) dialog.preview();
  await application.dialogs.open({
    title,
    body: ({ invalidate }) => dialog.body(invalidate),
    buttons: () => dialog.buttons(),
    wide: true,
  });
  dialog.ended = true;
  // Left by Escape while it was being started, it is started all the same.
  await dialog.starting;
  return dialog.job;
}

class BulkDialog {
  form = { steps: [newStep()], faults: [] };
  result = null;
  error = null;
  busy = false;
  job = null;
  starting = null;
  ended = false;
  #invalidate = () => {};
  // Sent again after a cut line, it is still one edit.
  #key = newId();

  constructor(application, which, count, deleting) {
    Object.assign(this, { application, which, count, deleting });
  }

  body(invalidate) {
    this.#invalidate = () => !this.ended && invalidate();
    const { store } = this.application;
    if (this.result) return this.#outcome();
    return html`
      ${this.deleting ? nothing : stepsForm(this.form, store, this.#invalidate)}
      ${this.busy ? html`<p role="status">Looking at what that would do…</p>${skeleton(3)}` : nothing}
      ${this.#trouble()}
    `;
  }

  buttons() {
    const cancel = { label: "Cancel", value: null };
    if (this.result) {
      const { updated } = this.result.counts;
      const label = this.deleting
        ? `Delete ${plural(updated, "contact")}`
        : `Change ${plural(updated, "contact")}`;
      const start = {
        label,
        value: "started",
        primary: true,
        danger: this.deleting,
        disabled: this.busy || !updated,
        check: () => this.start(),
      };
      const back = { label: "Back", value: null, disabled: this.busy, check: () => this.#back() };
      cancel.disabled = this.busy;
      return this.deleting ? [cancel, start] : [back, cancel, start];
    }
    const preview = {
      label: "Preview",
      value: null,
      primary: true,
      disabled: this.busy,
      check: () => this.preview(),
    };
    return this.deleting && !this.error ? [cancel] : [cancel, preview];
  }

  /** Asks what would happen. Says false, as the dialog stays. */
  async preview() {
    this.form.faults = this.form.steps.map((step) => faultOf(step));
    if (!this.deleting && this.form.faults.some(Boolean)) return false;
    await this.#ask(async () => {
      this.result = await this.#post({ dry_run: true });
    });
    return false;
  }

  /** Starts it; says whether it did. */
  async start() {
    this.starting = this.#ask(async () => {
      this.job = await this.#post({}, { headers: { "Idempotency-Key": this.#key } });
    });
    await this.starting;
    return this.job !== null;
  }

  #back() {
    this.result = null;
    this.error = null;
    this.#key = newId();
    return false;
  }

  #post(query, options) {
    const what = this.deleting ? { delete: true } : { changes: changesOf(this.form.steps) };
    return this.application.rest.post(
      "/api/bulk/update",
      { ...this.which, ...what },
      query,
      options,
    );
  }

  async #ask(work) {
    this.busy = true;
    this.error = null;
    this.#invalidate();
    try {
      await work();
    } catch (error) {
      this.error = error;
    }
    this.busy = false;
    this.#invalidate();
  }

  #outcome() {
    const { store } = this.application;
    const { counts, differences, preview, conflicts, errors } = this.result;
    const names = new Map(preview.map((row) => [row.id, nameOf(row)]));
    const words = this.deleting ? [] : this.form.steps.map((step) => stepInWords(step, store));
    return html`
      ${words.length ? html`<ul class="bulk-words">${words.map((text) => html`<li>${text}</li>`)}</ul>` : nothing}
      <dl class="bulk-counts">
        ${count(this.deleting ? "would be deleted" : "would change", counts.updated, "updated")}
        ${count("stay as they are", counts.unchanged, "unchanged")}
        ${counts.conflicts ? count("were edited by others lately", counts.conflicts, "conflicts") : nothing}
        ${counts.errors ? count("can't be changed", counts.errors, "errors") : nothing}
      </dl>
      ${differences.length && !this.deleting ? this.#differences(differences, names) : nothing}
      ${this.deleting ? this.#deleted(preview, counts) : nothing}
      ${findings("Edited lately, and overwritten", conflicts)} ${findings("Can't be changed", errors)}
      <p class="muted">It can be cancelled while it runs, and undone afterwards.</p>
      ${this.#trouble()}
    `;
  }

  #differences(differences, names) {
    const { store } = this.application;
    return html`
      <h3>The first ${differences.length > SHOWN ? formatCount(SHOWN) : ""} of them</h3>
      <div class="bulk-differences">
        ${differences.slice(0, SHOWN).map(
          ({ id, changes }) => html`
            <section aria-label=${names.get(id) || "No name"}>
              <h4>${names.get(id) || "No name"}</h4>
              ${changeList(changes, store)}
            </section>
          `,
        )}
      </div>
    `;
  }

  #deleted(preview, { updated }) {
    const rest = updated - Math.min(preview.length, SHOWN);
    return html`
      <ul class="bulk-words">
        ${preview.slice(0, SHOWN).map((row) => html`<li>${nameOf(row) || "No name"}</li>`)}
        ${rest > 0 ? html`<li class="muted">and ${plural(rest, "more", "more")}</li>` : nothing}
      </ul>
    `;
  }

  #trouble() {
    if (!this.error) return nothing;
    const { message, fields } = this.error;
    const details = Object.values(fields)
      .flat()
      .filter((text) => !message.includes(text));
    return html`<p class="field-error" role="alert">${[message, ...details].join(" ")}</p>`;
  }
}

const count = (text, number, name) => html`
  <div><dd data-test="preview-${name}">${formatCount(number)}</dd><dt>${text}</dt></div>
`;

function findings(title, items) {
  if (!items.length) return nothing;
  return html`
    <h3>${title}</h3>
    <ul class="bulk-words">${items.slice(0, SHOWN).map(({ message }) => html`<li>${message}</li>`)}</ul>
  `;
}
