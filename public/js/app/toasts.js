import { sentence } from "../core/texts.js";
import { icon } from "../parts/icon.js";
import { html, repeat } from "../vendor.js";

const SECONDS = { info: 6, success: 6, error: 12 };
const MOST = 4;

/** Short words at the edge of the page, some with one thing to do. Event `changed`. */
export class Toasts extends EventTarget {
  #items = [];
  /** Those that there is no room for yet. */
  #waiting = [];
  #count = 0;
  #from = null;

  /**
   * Shows a text for some seconds; longer with an action (`{label, run}`), which ends it.
   * They stay while the pointer or the focus is on them; newer ones push them out, but for those that
   * are `patient`, which also wait for their turn. `ended(isRead)` is called when it has gone, however it
   * went, but for its action; false: nobody can have read it.
   */
  show(text, options = {}) {
    const { action = null, kind = "info", ended = null, patient = false } = options;
    const { seconds = SECONDS[kind] + (action ? 6 : 0) } = options;
    const toast = {
      key: ++this.#count,
      text: sentence(text),
      action,
      kind,
      seconds,
      ended,
      patient,
      timer: null,
    };
    const first = this.#items.length >= MOST ? this.#items.find((each) => !each.patient) : null;
    if (first === undefined && patient) this.#waiting.push(toast);
    else this.#place(toast);
    if (first) this.end(first);
    return toast;
  }

  get shown() {
    return this.#items;
  }

  /** The words of an `ApiError`, or of whatever went wrong. */
  error(error, options = {}) {
    return this.show(error.message, { ...options, kind: "error" });
  }

  end(toast) {
    clearTimeout(toast.timer);
    if (!this.#items.includes(toast)) return undefined;
    this.#items = this.#items.filter((each) => each !== toast);
    if (this.#waiting.length && this.#items.length < MOST) this.#place(this.#waiting.shift());
    this.#changed();
    return toast.ended?.(!document.hidden);
  }

  /** Ends all, as when somebody signs out; resolves when what follows of that is done. */
  clear() {
    const unread = this.#waiting;
    this.#waiting = [];
    const ends = [...this.#items].map((toast) => this.end(toast));
    return Promise.allSettled([...ends, ...unread.map((toast) => toast.ended?.(false))]);
  }

  template() {
    return html`
      <div
        class="toasts"
        role="region"
        aria-label="Messages"
        @pointerenter=${() => this.#hold()}
        @pointerleave=${() => this.#release()}
        @focusin=${(event) => this.#entered(event)}
        @focusout=${() => this.#release()}
      >
        <div aria-live="polite" role="status">
          ${repeat(
            this.#items,
            (toast) => toast.key,
            (toast) => html`
              <div class="toast toast-${toast.kind}" data-test="toast">
                <span class="toast-text">${toast.text}</span>
                ${
                  toast.action
                    ? html`<button type="button" class="quiet" @click=${() => this.#act(toast)}>
                        ${toast.action.label}
                      </button>`
                    : ""
                }
                <button type="button" class="icon-button" aria-label="Close this message" @click=${() => this.#close(toast)}>
                  ${icon("close")}
                </button>
              </div>
            `,
          )}
        </div>
      </div>
    `;
  }

  #act(toast) {
    toast.ended = null;
    this.#close(toast);
    toast.action.run();
  }

  /** The focus goes back to where it was before it came here. */
  #close(toast) {
    this.end(toast);
    (this.#from?.isConnected ? this.#from : document.getElementById("view"))?.focus();
  }

  #entered({ currentTarget, relatedTarget }) {
    if (!currentTarget.contains(relatedTarget)) this.#from = relatedTarget;
    this.#hold();
  }

  #place(toast) {
    this.#items = [...this.#items, toast];
    this.#start(toast);
    this.#changed();
  }

  #start(toast) {
    toast.timer = setTimeout(() => this.end(toast), toast.seconds * 1_000);
  }

  #hold() {
    for (const toast of this.#items) clearTimeout(toast.timer);
  }

  #release() {
    for (const toast of this.#items) {
      clearTimeout(toast.timer);
      this.#start(toast);
    }
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("changed"));
  }
}
