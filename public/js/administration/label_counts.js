// At most this part of the server's time goes into counting anew while contacts change.
const SHARE = 1 / 20;
const LEAST_MS = 1_000;
const AT_ONCE = 3;

/**
 * How many contacts have each label of a kind, asked one label at a time, the shown ones alone.
 *
 * While contacts change they are asked again and again, the slower the server is, the more seldom.
 * Event `changed`.
 */
export class LabelCounts extends EventTarget {
  counts = new Map();
  #timer = null;
  #took = 0;
  #running = false;
  #again = false;

  /** `ids()` gives the labels to be counted, of the `kind` that they are then. */
  constructor(rest, signal, wanted) {
    super();
    this.rest = rest;
    this.signal = signal;
    this.wanted = wanted;
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** Some contacts or labels changed: counts soon. */
  stale() {
    if (this.#running) {
      this.#again = true;
      return;
    }
    if (this.#timer || this.signal.aborted) return;
    this.#timer = setTimeout(() => this.count(), Math.max(LEAST_MS, this.#took / SHARE));
  }

  /** Counts now. Rejects with nothing: what can't be counted keeps its number, and is asked again. */
  async count() {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#running || this.signal.aborted) return;
    this.#running = true;
    const begun = performance.now();
    const { kind, ids } = this.wanted();
    const queue = [...ids];
    const works = Array.from({ length: AT_ONCE }, () => this.#work(kind, queue));
    const answers = await Promise.allSettled(works);
    this.#took = performance.now() - begun;
    this.#running = false;
    const failed = answers.some(({ status }) => status === "rejected");
    if (this.#again || failed) {
      this.#again = false;
      this.stale();
    }
  }

  async #work(kind, queue) {
    while (queue.length && !this.signal.aborted) {
      await this.#ask(kind, queue.shift());
    }
  }

  /** The count of one as it is now; the last one that is known where the server can't be asked, or null. */
  async of(kind, id) {
    try {
      await this.#ask(kind, id);
    } catch (error) {
      if (!error.passing && !this.signal.aborted) throw error;
    }
    return this.counts.get(id) ?? null;
  }

  async #ask(kind, id) {
    const query = { [kind]: id, limit: 1 };
    const { total } = await this.rest.get("/api/contacts", query, { signal: this.signal });
    if (this.counts.get(id) === total) return;
    this.counts.set(id, total);
    this.dispatchEvent(new CustomEvent("changed"));
  }
}
