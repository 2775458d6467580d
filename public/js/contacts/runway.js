/**
 * The way that a list is scrolled, where all its rows are higher than browsers let an element be.
 *
 * `length` is the height of all rows, `body` that of what is scrolled, `view` how much is seen at once,
 * in pixels. Where the body is shorter, each step of the scroller is a longer one along the rows.
 */
export class Runway {
  #stretch = 1;
  #end = 0;
  #placed = { at: 0, distance: 0 };

  measure(length, body, view) {
    this.#end = Math.max(0, length - view);
    const stretch = body < length ? this.#end / Math.max(1, body - view) : 1;
    if (stretch !== this.#stretch) this.#placed = { at: 0, distance: 0 };
    this.#stretch = stretch;
  }

  get shortened() {
    return this.#stretch > 1;
  }

  /** How far along the rows it is, of how far it is scrolled. */
  distance(scrolled) {
    if (!this.shortened) return scrolled;
    // Whole pixels of the scroller are too coarse to meet the edge of a row.
    if (scrolled === this.#placed.at) return this.#placed.distance;
    return Math.min(this.#end, scrolled * this.#stretch);
  }

  /** How much further along the rows than scrolled. */
  ahead(scrolled) {
    return this.distance(scrolled) - scrolled;
  }

  /** Scrolls an element so that it is so far along the rows. */
  scroll(element, distance) {
    element.scrollTop = distance / this.#stretch;
    this.#placed = {
      at: element.scrollTop,
      distance: Math.max(0, Math.min(this.#end, distance)),
    };
  }
}
