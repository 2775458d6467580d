export const PAGE_ROWS = 100;
const MOST_PAGES = 20;
const SETTLE_MS = 60;
const RETRY_MS = 3_000;

/**
 * The list's rows on hand: pages of a hundred, read as the window moves over them, the latest
 * twenty kept.
 *
 * What is shown is one `list`: a query with its count and pages. A new query, or a refresh, reads
 * what the window needs first and then takes the place of the old one, so that nothing flickers
 * and no late answer overwrites a newer one.
 *
 * Events: `opening` (one is asked for); `shown` (another list is shown; detail {again}: of the same query); `rows` (a page came; detail {items});
 * `total` (another count of what matches); `failed`.
 */
export class Pages extends EventTarget {
  #fetches = new Map();
  #opening = null;
  #again = false;
  #settle = null;
  #retry = null;
  #window = [0, 0];

  /** `read(query, {offset, limit}, signal)` resolves with REST's page. */
  constructor(read) {
    super();
    this.read = read;
    this.list = null;
    /** What was asked for last; `list` is of it, once it has come. */
    this.asked = null;
    this.total = null;
    this.error = null;
  }

  /** Whether another list is on its way. */
  get opening() {
    return this.#opening !== null;
  }

  /** Why what was asked for is not shown, or null. */
  get refusal() {
    return this.error && this.list?.query !== this.asked ? this.error : null;
  }

  get rows() {
    return this.list?.total ?? 0;
  }

  close() {
    this.#abandon();
    clearTimeout(this.#settle);
    clearTimeout(this.#retry);
    this.#opening?.abort();
  }

  /** Shows another query, from its beginning. */
  show(query) {
    this.#window = [0, this.#window[1] - this.#window[0]];
    return this.#open(query, false);
  }

  /** Reads what was asked for again, where it is; once more afterwards if it is asked meanwhile. */
  async refresh() {
    if (this.opening) this.#again = true;
    else if (this.asked) await this.#open(this.asked, this.list?.query === this.asked);
  }

  /** The row, undefined while it is on its way. */
  row(index) {
    const page = this.list?.pages.get(Math.floor(index / PAGE_ROWS));
    return page?.[index % PAGE_ROWS];
  }

  /** The place of a row on hand, -1 of others. */
  indexOf(id) {
    for (const [number, rows] of this.list?.pages ?? []) {
      const at = rows.findIndex((row) => row.id === id);
      if (at >= 0) return number * PAGE_ROWS + at;
    }
    return -1;
  }

  /** Where each row on hand lies, by its id. */
  places() {
    const places = new Map();
    for (const [number, rows] of this.list?.pages ?? []) {
      for (const [at, row] of rows.entries()) places.set(row.id, number * PAGE_ROWS + at);
    }
    return places;
  }

  /** Takes a newer state of a row on hand. */
  replace(index, row) {
    this.list.pages.get(Math.floor(index / PAGE_ROWS))[index % PAGE_ROWS] = row;
  }

  /** Every row on hand, page by page: `[[rows of neighbours], …]`. */
  get blocks() {
    return [...(this.list?.pages.values() ?? [])];
  }

  /** The window lies over these rows now. */
  want(first, last) {
    this.#window = [first, last];
    if (!this.list || this.#missing().length === 0) return;
    // While it flies over pages, none is asked for that it does not stay on.
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => this.#fetchMissing(), SETTLE_MS);
  }

  /** Asks how many match now. */
  async count() {
    const { list } = this;
    if (!list) return;
    try {
      const { total } = await this.read(list.query, { limit: 1 });
      if (list === this.list) this.#counted(total);
    } catch (error) {
      if (!error.passing) throw error;
    }
  }

  /** Ids of the rows from one index to the other; those not on hand are asked for. */
  async idsBetween(first, last) {
    const { list } = this;
    const ids = [];
    for (let at = first; at <= last; ) {
      const row = this.row(at);
      if (row) {
        ids.push(row.id);
        at++;
        continue;
      }
      const limit = Math.min(500, last - at + 1);
      const { items } = await this.read(list.query, { offset: at, limit });
      if (!items.length) break;
      ids.push(...items.map(({ id }) => id));
      at += items.length;
    }
    return ids;
  }

  async #open(query, again) {
    this.#opening?.abort();
    const opening = new AbortController();
    this.#opening = opening;
    this.#again = false;
    this.asked = query;
    this.dispatchEvent(new CustomEvent("opening"));
    const list = { query, total: 0, pages: new Map() };
    try {
      const numbers = again ? pagesOf(...this.#window) : [0];
      const pages = await Promise.all(
        numbers.map((number) => this.#read(query, number, opening.signal)),
      );
      if (opening.signal.aborted) return;
      list.total = pages[0].total;
      for (const [at, number] of numbers.entries()) list.pages.set(number, pages[at].items);
    } catch (error) {
      if (opening.signal.aborted) return;
      this.#opening = null;
      this.#fail(error);
      return;
    }
    this.#abandon();
    this.#opening = null;
    this.list = list;
    this.error = null;
    this.#counted(list.total);
    this.dispatchEvent(new CustomEvent("shown", { detail: { again } }));
    this.want(...this.#window);
    if (this.#again) this.refresh();
  }

  #missing() {
    const last = Math.ceil(this.rows / PAGE_ROWS) - 1;
    return pagesOf(...this.#window).filter(
      (number) => number <= last && !this.list.pages.has(number),
    );
  }

  #fetchMissing() {
    const wanted = pagesOf(...this.#window);
    for (const [number, fetch] of this.#fetches) if (!wanted.includes(number)) fetch.abort();
    for (const number of this.#missing()) if (!this.#fetches.has(number)) this.#fetch(number);
  }

  async #fetch(number) {
    const { list } = this;
    const fetch = new AbortController();
    this.#fetches.set(number, fetch);
    try {
      const page = await this.#read(list.query, number, fetch.signal);
      if (fetch.signal.aborted || list !== this.list) return;
      this.#keep(number, page);
    } catch (error) {
      if (!fetch.signal.aborted) this.#fail(error);
    } finally {
      if (this.#fetches.get(number) === fetch) this.#fetches.delete(number);
    }
  }

  #keep(number, { items, total }) {
    const { list } = this;
    list.pages.set(number, items);
    const inWindow = pagesOf(...this.#window);
    for (const old of list.pages.keys()) {
      if (list.pages.size <= MOST_PAGES) break;
      if (!inWindow.includes(old)) list.pages.delete(old);
    }
    this.error = null;
    this.#counted(total);
    this.dispatchEvent(new CustomEvent("rows", { detail: { items } }));
    // Rows left meanwhile: the last ones would never come.
    if (items.length < Math.min(PAGE_ROWS, list.total - number * PAGE_ROWS)) this.refresh();
  }

  #read(query, number, signal) {
    return this.read(query, { offset: number * PAGE_ROWS, limit: PAGE_ROWS }, signal);
  }

  #counted(total) {
    if (total === this.total) return;
    this.total = total;
    this.dispatchEvent(new CustomEvent("total"));
  }

  #fail(error) {
    this.error = error;
    this.dispatchEvent(new CustomEvent("failed"));
    clearTimeout(this.#retry);
    if (error.passing && this.list) this.#retry = setTimeout(() => this.#fetchMissing(), RETRY_MS);
  }

  #abandon() {
    for (const fetch of this.#fetches.values()) fetch.abort();
    this.#fetches.clear();
  }
}

/** The numbers of the pages that hold the rows from `first` to `last`. */
export function pagesOf(first, last) {
  const numbers = [];
  for (let number = Math.floor(first / PAGE_ROWS); number * PAGE_ROWS <= last; number++)
    numbers.push(number);
  return numbers;
}
