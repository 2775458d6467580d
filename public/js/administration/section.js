import { keepFocus } from "../app/arrival.js";
import { View } from "../app/view.js";
import { failed, skeleton } from "../parts/states.js";
import { html } from "../vendor.js";

const REFRESH_S = 30;

/**
 * A page of what does not sync: read when it is opened, after what is done here, and now and then.
 *
 * A subclass has `title`, `read()`, which fetches and keeps what is shown, `head()`, what stands beside
 * the title, and `content()`, called once there is something.
 */
export class Section extends View {
  #error = null;
  #ready = false;

  opened() {
    this.application.title(this.title);
    this.load();
    this.every(REFRESH_S, this.load);
    this.listen(this.application.connection, "stale", this.load);
  }

  async load() {
    try {
      await this.read();
      this.#ready = true;
      this.#error = null;
    } catch (error) {
      if (this.signal.aborted) return;
      this.#error = error;
    }
    this.invalidate();
  }

  /** Reads it anew after something was done that may have taken away what had the focus. */
  async reload() {
    await this.load();
    if (this.signal.aborted) return;
    this.renderNow();
    keepFocus(this.element);
  }

  head() {
    return null;
  }

  template() {
    return html`
      <div class="view-head"><h1>${this.title}</h1>${this.#ready ? this.head() : null}</div>
      ${this.#shown()}
    `;
  }

  #shown() {
    // What was read before stays: that there is no connection is said above it.
    if (this.#ready) return this.content();
    return this.#error ? failed(this.#error, () => this.#retry()) : skeleton(6);
  }

  #retry() {
    this.#error = null;
    this.invalidate();
    this.load();
  }
}
