import { dot } from "../parts/chips.js";
import { icon } from "../parts/icon.js";
import { html, live, nothing, repeat } from "../vendor.js";
import { faultText } from "./inputs.js";
import { matching } from "./label_search.js";

const MOST_SHOWN = 50;

/**
 * Chooses a contact's labels of one kind: those it has as chips, and a combobox (WAI-ARIA's "list
 * autocomplete with manual selection") that filters the rest.
 */
export class LabelPicker {
  #query = "";
  #open = false;
  #active = -1;

  /** `ids()` gives the chosen ones, `choose(ids)` sets them, `changed()` shows it anew. */
  constructor(store, { name, entity, label }, { ids, choose, changed, announce }) {
    Object.assign(this, { store, name, entity, label, ids, choose, changed, announce });
    this.id = `contact-${name}`;
  }

  template(fault) {
    const matches = this.#matches();
    const open = this.#open;
    const active = open && matches[this.#active] ? this.#optionId(matches[this.#active]) : nothing;
    return html`
      <div class="contact-field contact-field-wide picker">
        <label for=${this.id}>${this.label}</label>
        <div class="picker-box">
          ${repeat(
            this.ids(),
            (id) => id,
            (id) => this.#chip(id),
          )}
          <input
            id=${this.id}
            type="text"
            role="combobox"
            autocomplete="off"
            placeholder=${`Add a ${this.entity}…`}
            aria-autocomplete="list"
            aria-expanded=${open}
            aria-controls=${`${this.id}-list`}
            aria-activedescendant=${active}
            aria-invalid=${fault ? "true" : nothing}
            aria-describedby=${fault ? `${this.id}-fault` : nothing}
            .value=${live(this.#query)}
            @input=${(event) => this.#typed(event)}
            @click=${() => this.#show()}
            @keydown=${(event) => this.#pressed(event)}
            @blur=${() => this.#hide()}
          />
        </div>
        <ul id=${`${this.id}-list`} class="picker-list" role="listbox" aria-label=${this.label} ?hidden=${!open}>
          ${open ? this.#options(matches) : nothing}
        </ul>
        ${faultText(fault, `${this.id}-fault`)}
      </div>
    `;
  }

  #chip(id) {
    const label = this.store.label(this.entity, id);
    const name = label?.name ?? `A deleted ${this.entity}`;
    return html`
      <span class="chip picker-chip">
        ${dot(label?.color)}<span class="picker-name">${name}</span>
        <button type="button" class="picker-remove" aria-label=${`Remove ${name}`} @click=${() => this.#remove(id, name)}>
          ${icon("close")}
        </button>
      </span>
    `;
  }

  #options(matches) {
    if (!matches.length) {
      const all = this.store.labels(this.entity).length;
      const text = all
        ? `No other ${this.entity} has that name.`
        : `There are no ${this.entity}s yet.`;
      return html`<li role="option" aria-disabled="true" aria-selected="false" class="picker-none">${text}</li>`;
    }
    return matches.map(
      (label, at) => html`
        <li
          id=${this.#optionId(label)}
          role="option"
          aria-selected=${at === this.#active}
          class=${at === this.#active ? "picker-active" : ""}
          @mousedown=${(event) => event.preventDefault()}
          @click=${() => this.#add(label)}
        >
          ${dot(label.color)}${label.name}
        </li>
      `,
    );
  }

  #optionId(label) {
    return `${this.id}-${label.id}`;
  }

  #matches() {
    const chosen = new Set(this.ids());
    const free = this.store.labels(this.entity).filter(({ id }) => !chosen.has(id));
    return matching(free, this.#query).slice(0, MOST_SHOWN);
  }

  #typed(event) {
    // The form's own handlers are for what it saves.
    event.stopPropagation();
    this.#query = event.target.value;
    this.#active = this.#query ? 0 : -1;
    this.#show();
  }

  #pressed(event) {
    const { key } = event;
    // As they are by now: what was typed last may not be shown yet.
    const matches = this.#matches();
    if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      this.#move(key === "ArrowDown" ? 1 : -1, matches.length);
    } else if (key === "Enter" && !event.ctrlKey && !event.metaKey) {
      // Never the form's: it would save what is half chosen.
      event.preventDefault();
      if (this.#open && matches[this.#active]) this.#add(matches[this.#active]);
    } else if (key === "Escape" && (this.#open || this.#query)) {
      event.preventDefault();
      event.stopPropagation();
      this.#hide();
    } else if (key === "Backspace" && !this.#query && this.ids().length) {
      event.preventDefault();
      const id = this.ids().at(-1);
      this.#remove(id, this.store.label(this.entity, id)?.name ?? "");
    }
  }

  #move(step, count) {
    if (!this.#open) this.#active = -1;
    this.#open = true;
    if (count) this.#active = (Math.max(this.#active, step > 0 ? -1 : 0) + step + count) % count;
    this.changed();
  }

  #add(label) {
    this.#query = "";
    // At once, as the next key may come before it is shown.
    document.getElementById(this.id).value = "";
    this.#active = -1;
    this.#open = false;
    this.choose([...this.ids(), label.id]);
    this.announce(`${label.name} added`);
  }

  #remove(id, name) {
    this.choose(this.ids().filter((each) => each !== id));
    this.announce(`${name} removed`);
    document.getElementById(this.id)?.focus();
  }

  #show() {
    this.#open = true;
    this.changed();
  }

  #hide() {
    if (!this.#open && !this.#query) return;
    this.#open = false;
    this.#query = "";
    this.#active = -1;
    this.changed();
  }
}
