import { icon } from "../parts/icon.js";
import { html } from "../vendor.js";

const PAUSE_MS = 70;

/** Search as one types: what is typed goes into the address when the fingers rest. */
export class SearchBox {
  #timer = null;
  #typing = false;
  #told = false;

  /** `changed(text, began)` gets what to search for, `began` true at the first of a row of letters. */
  constructor(changed, leave) {
    this.changed = changed;
    this.leave = leave;
    this.element = null;
  }

  focus() {
    this.element?.focus();
    this.element?.select();
  }

  close() {
    clearTimeout(this.#timer);
  }

  template(query) {
    // While it is typed in, it stays as it is: no answer takes letters back.
    return html`
      <div class="search" role="search">
        ${icon("search")}
        <input
          type="search"
          name="search"
          aria-label="Search contacts"
          placeholder="Search names, companies, e-mails, phones"
          maxlength="200"
          autocomplete="off"
          spellcheck="false"
          .value=${this.#typing ? this.element.value : (query.search ?? "")}
          @input=${(event) => this.#typed(event)}
          @keydown=${(event) => this.#pressed(event)}
          @focus=${(event) => {
            this.element = event.target;
          }}
          @blur=${() => this.#rest()}
        />
        <kbd class="search-key" aria-hidden="true">/</kbd>
      </div>
    `;
  }

  #typed({ target }) {
    this.element = target;
    this.#typing = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), PAUSE_MS);
  }

  #pressed(event) {
    if (event.key === "Escape" && event.target.value === "") this.leave();
    else if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      this.#rest();
      this.leave();
    }
  }

  /** The row of letters is over: what comes next is another search. */
  #rest() {
    if (!this.#typing) return;
    clearTimeout(this.#timer);
    this.#tell();
    this.#typing = false;
    this.#told = false;
  }

  #tell() {
    this.changed(this.element.value, !this.#told);
    this.#told = true;
  }
}
