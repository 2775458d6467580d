const ASK_MS = 5_000;
export const ENDED = ["done", "failed", "cancelled", "undone"];

/** Imports and bulk edits: how far they are, by the socket, and by asking where that may miss. */
export class Jobs {
  constructor(rest, connection) {
    this.rest = rest;
    this.connection = connection;
  }

  /** A job to watch, until `close()` is called on it. */
  watch(id) {
    return new WatchedJob(this.rest, this.connection, id);
  }

  /** A page of jobs, newest first; `kind` is "import" or "update". */
  list({ kind, cursor, limit } = {}) {
    return this.rest.get("/api/bulk/jobs", { kind, cursor, limit });
  }

  cancel(id) {
    return this.rest.post(`/api/bulk/jobs/${id}/cancel`);
  }

  undo(id) {
    return this.rest.post(`/api/bulk/jobs/${id}/undo`);
  }
}

/** `job` is the newest state that is known, null at first; event `job`: there is a newer one. */
export class WatchedJob extends EventTarget {
  #end = new AbortController();
  #timer = null;
  #latest = null;
  #asked = 0;

  constructor(rest, connection, id) {
    super();
    this.rest = rest;
    this.id = id;
    this.job = null;
    this.error = null;
    const { signal } = this.#end;
    connection.addEventListener("job", ({ detail }) => this.#heard(detail), { signal });
    connection.addEventListener("stale", () => this.ask(), { signal });
    this.ask();
  }

  get ended() {
    return ENDED.includes(this.job?.state);
  }

  close() {
    this.#end.abort();
    clearTimeout(this.#timer);
  }

  /** Reads the whole job, with its findings. */
  async ask() {
    clearTimeout(this.#timer);
    this.#latest = null;
    const asked = ++this.#asked;
    try {
      const answer = await this.rest.get(`/api/bulk/jobs/${this.id}`);
      if (asked !== this.#asked) return;
      this.error = null;
      // What was told meanwhile is newer than the answer, but has no findings.
      this.#take({ ...answer, ...this.#latest });
    } catch (error) {
      if (asked !== this.#asked || this.#end.signal.aborted) return;
      this.error = error;
      this.dispatchEvent(new CustomEvent("job"));
    }
    // The socket tells of each step; this is for what it may have lost.
    const again = !this.ended || this.error?.passing;
    if (again && !this.#end.signal.aborted) this.#timer = setTimeout(() => this.ask(), ASK_MS);
  }

  #heard(job) {
    if (job.id !== this.id) return;
    this.#latest = job;
    const wasEnded = this.ended;
    // What comes by the socket has no findings; those that are known stay.
    this.#take({ ...this.job, ...job });
    if (this.ended && !wasEnded) this.ask();
  }

  #take(job) {
    if (this.#end.signal.aborted) return;
    this.job = job;
    this.dispatchEvent(new CustomEvent("job"));
  }
}
