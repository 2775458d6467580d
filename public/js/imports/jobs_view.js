import { View } from "../app/view.js";
import { html, keyed } from "../vendor.js";
import { JobPage } from "./job_page.js";
import { JobsList } from "./jobs_list.js";

const KINDS = [
  { kind: null, label: "All" },
  { kind: "import", label: "Imports" },
  { kind: "update", label: "Bulk edits" },
];

/** `#/jobs`, the past imports and bulk edits, and `#/jobs/ID`, one of them. */
export default class JobsView extends View {
  #page = null;
  #list = null;

  routed({ parts, query }) {
    const id = parts[1];
    if (this.#page?.id !== id) {
      this.#page?.close();
      this.#page = id ? new JobPage(this, id) : null;
    }
    if (!id) {
      this.application.title("Imports and bulk edits");
      this.#list ??= new JobsList(this, { more: true });
      const known = KINDS.find(({ kind }) => kind === query.kind);
      this.#list.filter(known?.kind ?? null, () => this.application.router.go("/jobs"));
    }
    this.invalidate();
  }

  template() {
    return this.#page ? keyed(this.#page.id, this.#page.template()) : this.#past();
  }

  closed() {
    this.#page?.close();
  }

  #past() {
    const { router } = this.application;
    return html`
      <div class="import-page">
        <header class="view-head">
          <h1>Imports and bulk edits</h1>
          <a href=${router.href("/import")}>Import a file</a>
        </header>
        <nav class="kinds" aria-label="Kind">
          ${KINDS.map(
            ({ kind, label }) => html`
              <a href=${router.href("/jobs", { kind })} aria-current=${this.#list.kind === kind ? "true" : "false"}>${label}</a>
            `,
          )}
        </nav>
        ${this.#list.template()}
      </div>
    `;
  }
}
