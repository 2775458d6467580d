import { effectOf, sortKey } from "./matching.js";
import { sortOf } from "./query.js";

const COUNT_MS = 2_000;
const REFRESH_MS = 1_000;
const GLOW_MS = 1_600;

/**
 * What changes while the list is looked at.
 *
 * A row that stays where it is shows its change at once, and glows. What would move rows waits:
 * for `calm()` (nobody's pointer, focus or choice is in the list, and it is at its top), asked once
 * a second, or for `apply()`. Event `changed`: something to show.
 */
export class LiveChanges extends EventTarget {
  #waiting = new Set();
  #glowing = new Map();
  #counting = null;
  #refreshing = null;
  #missed = false;
  #asked = new Set();

  constructor(pages, store, calm) {
    super();
    this.pages = pages;
    this.store = store;
    this.calm = calm;
    // What is told from the asking on is not in the answer for sure.
    pages.addEventListener("opening", () => this.#asking());
    pages.addEventListener("shown", () => this.#answered());
    pages.addEventListener("total", () => this.#tell());
  }

  /** How many changes wait: at least as many as the count differs by. */
  get waiting() {
    const { list, total } = this.pages;
    return Math.max(this.#waiting.size + this.#asked.size, list ? Math.abs(total - list.total) : 0);
  }

  glows(id) {
    return this.#glowing.has(id);
  }

  close() {
    clearTimeout(this.#counting);
    clearTimeout(this.#refreshing);
  }

  /** Takes what the store told of contacts, `{put, del, rows}`. */
  take({ rows, del }) {
    if (!this.pages.list) return;
    const places = this.pages.places();
    for (const [id, row] of rows) this.#takeOne(id, row, places);
    for (const id of del) this.#takeOne(id, null, places);
    this.#tell();
  }

  /** Once a second. */
  tick() {
    if (this.waiting && this.calm()) this.apply();
  }

  /** Shows everything as it is now. */
  apply() {
    return this.pages.refresh();
  }

  /** Something was missed: at once, but while much is missed no more than once a second. */
  refreshSoon() {
    if (this.#refreshing) {
      this.#missed = true;
      return;
    }
    this.#missed = false;
    this.apply();
    this.#refreshing = setTimeout(() => {
      this.#refreshing = null;
      if (this.#missed) this.refreshSoon();
    }, REFRESH_MS);
  }

  #takeOne(id, after, places) {
    const { query } = this.pages.list;
    const index = places.get(id) ?? -1;
    const before = index < 0 ? undefined : this.pages.row(index);
    if (before && after && before.version >= after.version) return;
    const effect = effectOf(before, after, query, this.store, (key) => this.#reaches(key));
    if (before && after) {
      this.pages.replace(index, after);
      this.#glow(id);
    }
    if (effect === "moves") this.#waiting.add(id);
    if (effect === "moves" || effect === "unknown") this.#countSoon();
  }

  /** Whether a row with that key would lie between two that are on hand. */
  #reaches(key) {
    const order = sortOf(this.pages.list.query);
    return this.pages.blocks.some((rows) => {
      if (!rows.length) return false;
      const ends = [sortKey(rows[0], order), sortKey(rows.at(-1), order)];
      const [least, most] = order.descending ? ends.reverse() : ends;
      return key >= least && key <= most;
    });
  }

  #countSoon() {
    this.#counting ??= setTimeout(() => {
      // First, as what comes while it is counted may not be in the count.
      this.#counting = null;
      this.pages.count();
    }, COUNT_MS);
  }

  #glow(id) {
    clearTimeout(this.#glowing.get(id));
    const end = setTimeout(() => {
      this.#glowing.delete(id);
      this.#tell();
    }, GLOW_MS);
    this.#glowing.set(id, end);
  }

  #asking() {
    for (const id of this.#waiting) this.#asked.add(id);
    this.#waiting.clear();
  }

  #answered() {
    this.#asked.clear();
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new CustomEvent("changed"));
  }
}
