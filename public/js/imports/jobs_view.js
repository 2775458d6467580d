import { View } from "../app/view.js";
import { JobPanel } from "../parts/job.js";
import { html } from "../vendor.js";

/** A job's page. */
export default class JobsView extends View {
  #panel = null;

  routed({ parts }) {
    this.application.title("Jobs");
    this.#panel?.close();
    this.#panel = parts[1]
      ? new JobPanel(this.application, parts[1], { changed: () => this.invalidate(), signal: this.signal, link: false })
      : null;
    this.invalidate();
  }

  template() {
    return html`<h1>Import</h1>${this.#panel?.template()}`;
  }
}
