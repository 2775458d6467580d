import { ENDED } from "../core/jobs.js";
import { formatCount } from "../core/times.js";
import { icon } from "../parts/icon.js";
import { html, nothing } from "../vendor.js";
import { lazily } from "./lazily.js";
import { bulkFilter, filtersOf } from "./query.js";

/** What there is to do with the chosen contacts, and how far the last such edit is. */
export class BulkBar {
  #panel = null;

  /** `view` is the ContactsView. */
  constructor(view) {
    this.view = view;
  }

  template() {
    if (!this.view.choosable) return nothing;
    return html`${this.#panel ? this.#progress() : nothing} ${this.view.selection.empty ? nothing : this.#chosen()}`;
  }

  /** Asks what to do with those that are chosen, and follows the job. */
  async edit({ deleting = false } = {}) {
    const { application, selection, pages, query } = this.view;
    const which = selection.all ? { filter: bulkFilter(query) } : { ids: selection.ids };
    const count = selection.count(pages.total);
    const load = () => Promise.all([import("./bulk_dialog.js"), import("../parts/job.js")]);
    await lazily(application, load, async ([{ openBulkDialog }, { JobPanel }]) => {
      const job = await openBulkDialog(application, which, count, { deleting });
      if (job) this.#follow(job, JobPanel);
    });
  }

  #follow(job, JobPanel) {
    const { application, selection } = this.view;
    selection.clear();
    this.#panel?.close();
    this.#panel = new JobPanel(application, job.id, {
      changed: () => this.view.invalidate(),
      signal: this.view.signal,
      title: false,
    });
    this.view.invalidate();
  }

  #chosen() {
    const { selection, pages, query } = this.view;
    const count = selection.count(pages.total);
    const editable = !query.deleted;
    return html`
      <section class="bulk-bar" aria-label="Chosen contacts" data-test="bulk-bar">
        <strong class="bulk-count" role="status" data-test="chosen">${formatCount(count)} chosen</strong>
        ${
          selection.all || pages.total <= count
            ? nothing
            : html`<button type="button" class="quiet" @click=${() => selection.chooseAll()}>
                Select all ${formatCount(pages.total)} that match
              </button>`
        }
        <span class="bar-space"></span>
        ${
          editable
            ? html`
                <button type="button" class="secondary" @click=${() => this.edit()}>${icon("edit")} Edit…</button>
                <button type="button" class="secondary" @click=${() => this.view.remove()}>${icon("trash")} Delete…</button>
              `
            : nothing
        }
        <button type="button" class="secondary" aria-label="Export the chosen" @click=${() => this.#export()}>
          ${icon("download")} Export
        </button>
        <button type="button" class="icon-button" aria-label="Choose none" @click=${() => selection.clear()}>
          ${icon("close")}
        </button>
      </section>
    `;
  }

  #progress() {
    const over = ENDED.includes(this.#panel.job?.state);
    return html`
      <section class="bulk-progress" aria-label="The last edit" data-test="bulk-progress">
        ${this.#panel.template()}
        <button type="button" class="icon-button" aria-label=${over ? "Close" : "Go on without watching"} @click=${() => this.#leave()}>
          ${icon("close")}
        </button>
      </section>
    `;
  }

  #leave() {
    this.#panel.close();
    this.#panel = null;
    this.view.invalidate();
  }

  #export() {
    const { application, selection, pages, query } = this.view;
    return lazily(
      application,
      () => import("./exporting.js"),
      ({ exportChosen, exportMatching }) =>
        selection.all
          ? exportMatching(application, filtersOf(query), pages.total)
          : exportChosen(application, selection.ids),
    );
  }
}
