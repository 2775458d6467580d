import { View } from "../app/view.js";
import { plural } from "../core/times.js";
import { icon } from "../parts/icon.js";
import { html, nothing } from "../vendor.js";
import { attemptEnd, attemptProgress } from "./attempt.js";
import { draftOf } from "./draft.js";
import { formatSize, takeDrops } from "./drop.js";
import { JobsList } from "./jobs_list.js";
import { mappingSummary, mappingTable } from "./mapping_table.js";
import { readingForm, takingForm } from "./options_form.js";
import { previewCounts, previewNotes, previewParts, previewSummary } from "./preview.js";
import { part } from "./tables.js";

// For screen readers, at the beginning of each; how far an upload is would be too much for them.
const ANNOUNCED = {
  sending: "Sending the file.",
  reading: "Looking through the file.",
  starting: "Starting the import.",
};

/** `#/import`: a file is chosen, looked at and imported. */
export default class ImportView extends View {
  #draft;
  #latest;
  #over = false;
  #allColumns = false;
  #announced = null;

  opened() {
    this.application.title("Import");
    this.#draft = draftOf(this.application);
    this.listen(this.#draft, "changed", this.#draftChanged);
    this.#latest = new JobsList(this, { limit: 5 });
    takeDrops(this, {
      over: (over) => {
        this.#over = over;
        this.invalidate();
      },
      take: (files) => this.#take(files),
    });
  }

  template() {
    const draft = this.#draft;
    return html`
      <div class="import-page">
        <header class="view-head">
          <h1>Import</h1>
          <a href=${this.application.router.href("/jobs")}>Past imports and edits</a>
        </header>
        <input
          type="file"
          hidden
          data-test="file"
          accept=".csv,.tsv,.txt,.xlsx,.json,.jsonl,.vcf,text/csv,text/vcard,application/json"
          @change=${(event) => {
            this.#take([...event.currentTarget.files]);
            // The same file again is a change, too: it may have been mended.
            event.currentTarget.value = "";
          }}
        />
        ${draft.file ? this.#chosen(draft) : this.#empty()}
        ${
          this.#over
            ? html`<div class="drop-over" data-test="drop-over"><p>${icon("import")} Drop the file to look at it</p></div>`
            : nothing
        }
      </div>
    `;
  }

  #empty() {
    return html`
      <div class="drop-area">
        ${icon("import")}
        <p class="drop-title">Drop a file with contacts here</p>
        <button type="button" @click=${() => this.#pick()}>Choose a file</button>
        <p class="muted">
          CSV, Excel (.xlsx), JSON or vCard: from Google, Outlook, HubSpot, Salesforce, phones, or a table of your own.
          You see what would happen before anything is changed.
        </p>
      </div>
      ${part("Lately", this.#latest.template())}
    `;
  }

  #chosen(draft) {
    const { answer, file } = draft;
    const stop = () => this.#stop();
    return html`
      <div class="import-file" data-test="chosen-file">
        <div class="import-file-name">
          <strong>${file.name}</strong> <span class="muted">${formatSize(file.size)}</span>
        </div>
        <div class="buttons">
          <button type="button" class="secondary" @click=${() => this.#pick()}>Choose another file</button>
          <button type="button" class="secondary" @click=${() => this.#putAway()}>Put it away</button>
        </div>
      </div>
      ${draft.busy && !answer ? html`<div class="import-file">${attemptProgress(draft, stop)}</div>` : nothing}
      ${attemptEnd(draft, () => this.#run())}
      ${answer ? this.#answered(draft) : part("The file", this.#options(draft))}
    `;
  }

  #answered(draft) {
    const { answer, wishes } = draft;
    const stop = () => this.#stop();
    // In the same place, so that nothing moves under whoever is choosing fields.
    const run = draft.busy
      ? attemptProgress(draft, stop)
      : html`
          <button type="button" class="import-run" ?disabled=${!draft.ready} @click=${() => this.#run()}>
            Import ${plural(answer.counts.rows, "row")}
          </button>
        `;
    const asProposed = html`
      <span class="muted">${mappingSummary(answer)}</span>
      ${
        Object.keys(wishes).length
          ? html`<button type="button" class="quiet" @click=${() => draft.propose()}>As proposed</button>`
          : nothing
      }
    `;
    const showAll = () => {
      this.#allColumns = true;
      this.invalidate();
    };
    return html`
      <div class="import-answer" aria-busy=${draft.busy}>
        ${part("What would happen", previewCounts(answer), run, "import-part-main")} ${previewNotes(answer)} ${part("The file", this.#options(draft))}
        ${part("Columns", mappingTable(draft, this.application, { all: this.#allColumns, showAll }), asProposed)}
        ${previewParts(answer, this.application)}
      </div>
    `;
  }

  #options(draft) {
    return html`${readingForm(draft)} ${takingForm(draft)}`;
  }

  #pick() {
    this.element.querySelector("input[type=file]").click();
  }

  #take([file, ...others]) {
    if (!file) return;
    if (others.length) this.application.toasts.show(`One file at a time: ${file.name} was taken.`);
    this.#allColumns = false;
    this.#draft.choose(file);
  }

  #stop() {
    this.#draft.stop();
    this.renderNow();
    this.element.querySelector("[data-test=stopped] button").focus();
  }

  #putAway() {
    this.#draft.reset();
    this.renderNow();
    this.element.querySelector(".drop-area button").focus();
  }

  async #run() {
    const { router, toasts } = this.application;
    const job = await this.#draft.run();
    if (!job) return;
    this.#draft.reset();
    const open = () => router.go(`/jobs/${job.id}`);
    if (!this.signal.aborted) open();
    else
      toasts.show(`The import of ${job.file_name} has begun.`, {
        action: { label: "Look at it", run: open },
      });
  }

  #draftChanged() {
    const { state, answer } = this.#draft;
    if (state !== this.#announced) {
      const said = state === "shown" ? previewSummary(answer) : ANNOUNCED[state];
      if (said) this.application.announce(said);
    }
    this.#announced = state;
    this.invalidate();
  }
}
