/** The row that the keys act on: its place, and its id when it is on hand. Event `changed`. */
export class Cursor extends EventTarget {
  index = -1;
  id = null;

  constructor(pages) {
    super();
    this.pages = pages;
    pages.addEventListener("shown", ({ detail }) => this.#follow(detail.again));
    pages.addEventListener("rows", () => this.#name());
  }

  /** Goes to a place, or to the nearest one that there is. */
  go(index) {
    this.index = Math.max(this.pages.rows ? 0 : -1, Math.min(this.pages.rows - 1, index));
    this.id = this.pages.row(this.index)?.id ?? null;
    this.dispatchEvent(new CustomEvent("changed"));
  }

  /** Stays on its contact where the list was read anew; another list begins without one. */
  #follow(again) {
    if (!again) {
      this.index = -1;
      this.id = null;
    } else if (this.index >= 0) {
      const found = this.id ? this.pages.indexOf(this.id) : -1;
      this.go(found >= 0 ? found : this.index);
    }
  }

  #name() {
    if (this.id === null && this.index >= 0) this.id = this.pages.row(this.index)?.id ?? null;
  }
}
