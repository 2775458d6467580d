import { View } from "../app/view.js";
import { icon } from "../parts/icon.js";
import { styles } from "../parts/styles.js";
import { html, nothing, repeat } from "../vendor.js";
import { COLUMNS, widths } from "./columns.js";
import { sortOf } from "./query.js";
import { contactRow } from "./row.js";
import { Runway } from "./runway.js";

const SPARE_ROWS = 6;
/** Of a row, in pixels: with all columns, and with two lines in one. As in contacts.css. */
export const ROW_HEIGHTS = { wide: 40, compact: 60 };
/** Of the columns' heads, with the line below them. */
const HEAD_HEIGHT = 37;

/**
 * The rows that are seen, and some beyond, of a grid as long as the whole list.
 *
 * `model`: `{pages, live, selection, cursor, columns(), compact(), choosable, open}`, the last the
 * id of the contact beside it. Events: `sort` (detail: a field), `press` and `choose` (detail:
 * {index, id, range}), `point` (detail: {index}; its link was followed).
 */
export class Grid extends View {
  #scroller = null;
  #height = 600;
  #first = 0;
  #last = 0;
  #position = 0;
  #hidden = false;
  #runway = new Runway();

  constructor(application, element, model) {
    super(application, element);
    this.model = model;
    this.events = new EventTarget();
  }

  opened() {
    const { pages, live, selection, cursor } = this.model;
    this.listen(pages, "shown", ({ detail }) => this.#shown(detail));
    this.listen(pages, "rows", this.invalidate);
    this.listen(pages, "opening", this.invalidate);
    this.listen(live, "changed", this.invalidate);
    this.listen(selection, "changed", this.invalidate);
    this.listen(cursor, "changed", this.invalidate);
    // "5 minutes ago" grows old.
    this.every(60, this.invalidate);
    const sizes = new ResizeObserver(([{ contentRect }]) => this.#resized(contentRect.height));
    this.signal.addEventListener("abort", () => sizes.disconnect());
    this.renderNow();
    this.#scroller = this.element.querySelector(".contact-grid");
    sizes.observe(this.#scroller);
  }

  get rowHeight() {
    return this.model.compact() ? ROW_HEIGHTS.compact : ROW_HEIGHTS.wide;
  }

  /** How much of the rows is seen at once, in pixels. */
  get #view() {
    return this.#height - (this.model.compact() ? 0 : HEAD_HEIGHT);
  }

  get scroller() {
    return this.#scroller;
  }

  /** How far it can be scrolled; a body as high as all rows may be higher than browsers let it be. */
  #measure() {
    const all = this.model.pages.rows * this.rowHeight;
    const most = Number(getComputedStyle(this.#scroller).getPropertyValue("--most"));
    this.#runway.measure(all, Math.min(all, most), this.#view);
  }

  /** How many rows are seen at once. */
  get seen() {
    return Math.max(1, Math.floor(this.#view / this.rowHeight));
  }

  get atTop() {
    return this.#first === 0 && (this.#scroller?.scrollTop ?? 0) < this.rowHeight / 2;
  }

  focus() {
    this.#scroller.focus({ preventScroll: true });
  }

  /** Scrolls as little as is needed to see a row. */
  reveal(index) {
    const top = index * this.rowHeight;
    const bottom = top + this.rowHeight - this.#view;
    const at = this.#runway.distance(this.#scroller.scrollTop);
    if (top < at) this.#runway.scroll(this.#scroller, top);
    else if (bottom > at) this.#runway.scroll(this.#scroller, bottom);
    this.#scrolled();
  }

  /** The first row that is seen; set again where rows have another height now, or were hidden. */
  get position() {
    return this.#position;
  }

  set position(rows) {
    this.renderNow();
    this.#position = rows;
    this.#measure();
    this.#runway.scroll(this.#scroller, rows * this.rowHeight);
    this.#scrolled();
  }

  #shown({ again }) {
    this.#measure();
    if (!again) {
      this.#position = 0;
      this.#scroller.scrollTop = 0;
    }
    this.#scrolled();
    this.invalidate();
  }

  #resized(height) {
    // Hidden, it has no height and no scroll position; what it had is what it will have.
    this.#hidden = !height;
    if (this.#hidden) return;
    this.#height = height;
    this.#measure();
    this.#scrolled();
  }

  /** The most rows that the window ever has. */
  get #capacity() {
    return Math.ceil(this.#height / this.rowHeight) + 2 * SPARE_ROWS + 2;
  }

  /** Nothing is measured here but how far it is scrolled: this runs in every frame. */
  #scrolled() {
    if (!this.#hidden)
      this.#position = this.#runway.distance(this.#scroller.scrollTop) / this.rowHeight;
    const top = this.#position;
    const first = Math.max(0, Math.floor(top) - SPARE_ROWS);
    const last = Math.min(
      this.model.pages.rows - 1,
      Math.ceil(top + this.#height / this.rowHeight) + SPARE_ROWS,
    );
    // Shortened, each row has another place in it at every step.
    if (this.#runway.shortened) this.invalidate();
    if (first === this.#first && last === this.#last) return;
    this.#first = first;
    this.#last = last;
    this.model.pages.want(first, Math.max(first, last));
    this.invalidate();
  }

  /** Where in the body the first row of the window stands. */
  get #windowTop() {
    const top = this.#first * this.rowHeight;
    return this.#scroller ? top - this.#runway.ahead(this.#scroller.scrollTop) : top;
  }

  template() {
    const { pages, choosable } = this.model;
    const compact = this.model.compact();
    const columns = compact ? [] : this.model.columns();
    const capacity = this.#capacity;
    const indices = [];
    for (let index = this.#first; index <= Math.min(this.#last, pages.rows - 1); index++)
      indices.push(index);
    return html`
      <div
        class="contact-grid ${compact ? "contact-grid-compact" : ""}"
        role="grid"
        tabindex="0"
        aria-label="Contacts"
        aria-rowcount=${pages.rows + 1}
        aria-multiselectable=${choosable ? "true" : nothing}
        aria-activedescendant=${this.#activeId()}
        aria-busy=${pages.opening}
        data-test="grid"
        ${styles(widths(columns, choosable))}
        @scroll=${() => this.#scrolled()}
        @click=${(event) => this.#clicked(event)}
      >
        ${this.#head(columns, compact)}
        <div class="grid-body" role="rowgroup" ${styles({ height: `${pages.rows * this.rowHeight}px` })}>
          <div class="grid-window" role="presentation" ${styles({ transform: `translateY(${this.#windowTop}px)` })}>
            ${repeat(
              indices,
              // A row that leaves the window is filled anew where another comes in.
              (index) => index % capacity,
              (index) => this.#row(index, columns, compact),
            )}
          </div>
        </div>
      </div>
    `;
  }

  #head(columns, compact) {
    const { choosable } = this.model;
    return html`
      <div class="grid-head ${compact ? "visually-hidden" : ""}" role="rowgroup">
        <div class="grid-row" role="row" aria-rowindex="1">
          <span role="columnheader" class="cell">
            ${choosable ? html`<span class="visually-hidden">Chosen</span>` : html`<span class="visually-hidden">Place</span>`}
          </span>
          ${this.#heading("Name", "display_name", compact)}
          ${columns.map((name) => this.#heading(COLUMNS[name].title, COLUMNS[name].sort, compact))}
        </div>
      </div>
    `;
  }

  #heading(title, sort, compact) {
    if (!sort || compact) return html`<span role="columnheader" class="cell">${title}</span>`;
    const { field, descending } = sortOf(this.model.pages.asked ?? {});
    const order = field !== sort ? "none" : descending ? "descending" : "ascending";
    return html`
      <span role="columnheader" class="cell" aria-sort=${order}>
        <button type="button" class="sort" @click=${() => this.#tell("sort", sort)}>
          ${title}${order === "none" ? nothing : icon(descending ? "sort_down" : "sort_up")}
        </button>
      </span>
    `;
  }

  #row(index, columns, compact) {
    const { pages, choosable, gone } = this.model;
    const held = pages.row(index);
    if (!held)
      return contactRow(this.application, this.model, {
        row: null,
        index,
        columns,
        compact,
        choosable,
      });
    const row = this.application.store.get("contact", held.id) ?? held;
    return contactRow(this.application, this.model, {
      row,
      index,
      columns,
      compact,
      choosable,
      gone: gone(held),
    });
  }

  #activeId() {
    const { index } = this.model.cursor;
    const rendered = index >= this.#first && index <= this.#last && this.model.pages.row(index);
    return rendered ? `contact-row-${index}` : nothing;
  }

  #clicked(event) {
    const element = event.target.closest("[data-index]");
    if (!element?.dataset.id) return;
    const index = Number(element.dataset.index);
    const { id } = element.dataset;
    const { choosable } = this.model;
    if (choosable && event.target.closest(".cell-choose")) {
      this.#tell("choose", { index, id, range: event.shiftKey });
    } else if (
      choosable &&
      (event.shiftKey || ((event.ctrlKey || event.metaKey) && !event.target.closest("a")))
    ) {
      event.preventDefault();
      this.#tell("choose", { index, id, range: event.shiftKey });
    } else if (!event.target.closest("a") && !getSelection().toString()) {
      this.#tell("press", { index, id });
    } else if (event.target.closest("a")) this.#tell("point", { index });
  }

  #tell(type, detail) {
    this.events.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
