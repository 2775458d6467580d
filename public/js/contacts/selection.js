/**
 * The chosen contacts: by their ids, or all that the list's filters give.
 *
 * Event `changed`. A bulk edit takes ids or a filter, never a filter but for some: so taking one
 * away from "all" leaves those that are named.
 */
export class Selection extends EventTarget {
  #ids = new Set();
  #all = false;
  /** The id from which Shift chooses a range. */
  anchor = null;

  get all() {
    return this.#all;
  }

  get ids() {
    return [...this.#ids];
  }

  get empty() {
    return !this.#all && this.#ids.size === 0;
  }

  has(id) {
    return this.#all || this.#ids.has(id);
  }

  /** How many there are; `total` is how many match. */
  count(total) {
    return this.#all ? total : this.#ids.size;
  }

  /** Chooses or leaves one; `onHand` are the ids that stay named when one of "all" is left. */
  toggle(id, onHand = []) {
    if (this.#all) {
      this.#all = false;
      this.#ids = new Set(onHand);
      this.#ids.delete(id);
    } else if (this.#ids.has(id)) this.#ids.delete(id);
    else this.#ids.add(id);
    this.anchor = id;
    this.#changed();
  }

  add(ids) {
    if (this.#all) return;
    for (const id of ids) this.#ids.add(id);
    this.#changed();
  }

  /** Leaves those that are not there any more. */
  remove(ids) {
    const before = this.#ids.size;
    for (const id of ids) this.#ids.delete(id);
    if (this.#ids.size !== before) this.#changed();
  }

  chooseAll() {
    this.#all = true;
    this.#ids.clear();
    this.#changed();
  }

  clear() {
    if (this.empty) return;
    this.#all = false;
    this.#ids.clear();
    this.anchor = null;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("changed"));
  }
}

/** The indices from one to the other, both included, whichever is above. */
export const rangeOf = (one, other) => [Math.min(one, other), Math.max(one, other)];
