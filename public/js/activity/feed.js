/** Beyond so many entries a list that is at its top begins anew, so that a day's does not grow. */
const MOST = 400;

const byNewest = (one, other) => Number(other.id) - Number(one.id);

/**
 * The entries on hand, newest first, and those that came and are not shown yet.
 *
 * Entries are told apart by their ids: one may be seen after another with a higher number, as it was
 * committed later.
 */
export class Feed {
  constructor() {
    this.entries = [];
    this.waiting = [];
    this.cursor = null;
    this.full = false;
  }

  /** Takes the first page of a list. */
  begin({ items, next_cursor }) {
    this.entries = items;
    this.waiting = [];
    this.cursor = next_cursor;
    this.full = !next_cursor;
  }

  /** Takes a page of older entries. */
  more({ items, next_cursor }) {
    const known = this.#ids();
    this.entries = [...this.entries, ...items.filter(({ id }) => !known.has(id))];
    this.cursor = next_cursor;
    this.full = !next_cursor;
  }

  /**
   * Takes the newest entries, which wait until they are shown. Whether they join on to those that are
   * known: if not, there are others between, and the page after is to be asked for.
   */
  take(items) {
    const known = this.#ids();
    const oldest = this.entries.length ? Number(this.entries.at(-1).id) : 0;
    const unseen = items.filter(({ id }) => !known.has(id) && Number(id) > oldest);
    this.waiting = [...this.waiting, ...unseen].sort(byNewest);
    return unseen.length < items.length || !items.length;
  }

  /** Puts what waits on top. `newest` is the page that was asked for last, to begin anew with. */
  show(newest = null) {
    if (newest && this.entries.length + this.waiting.length > MOST) this.begin(newest);
    else this.entries = [...this.waiting, ...this.entries].sort(byNewest);
    this.waiting = [];
  }

  #ids() {
    return new Set([...this.entries, ...this.waiting].map(({ id }) => id));
  }
}

/** The entries by the day on which they were made, in the browser's zone: `[[day, entries]]`. */
export function byDay(entries, dayOf) {
  const days = new Map();
  for (const entry of entries) {
    const day = dayOf(entry.at);
    if (!days.has(day)) days.set(day, []);
    days.get(day).push(entry);
  }
  return [...days];
}
