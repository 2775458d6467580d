import { newId } from "./ids.js";

const KEPT_MS = 7 * 24 * 3_600 * 1_000;
const RETRY_MS = 5_000;

/**
 * The edits of this agent in this browser: kept in IndexedDB before they are sent, sent in order,
 * and again until the server has judged them.
 *
 * Tabs share the queue: one sends at a time, under a Web Lock, and tells the others. What was
 * acknowledged is kept for a week, and sent again when the database begins a new life.
 *
 * Events: `waiting` (the queue changed); `acknowledged` (detail: {mutation, ack}); `refused`
 * (detail: {mutation, error}) and `conflicted` (detail: {mutation, conflicts}), of edits whose
 * writer does not wait for the answer any more.
 */
export class Mutations extends EventTarget {
  #queue = [];
  #writers = new Map();
  #sending = false;
  #retry = null;
  #signal = new AbortController();

  constructor(storage, connection, agentId) {
    super();
    this.storage = storage;
    this.connection = connection;
    this.agentId = agentId;
    this.lockName = `fieldbook-mutations-${agentId}`;
    this.tabs = new BroadcastChannel(this.lockName);
  }

  async open() {
    await this.#load();
    const { signal } = this.#signal;
    this.tabs.addEventListener("message", () => this.#load(), { signal });
    this.connection.addEventListener("state", () => this.#stateChanged(), { signal });
    this.connection.addEventListener("epoch", ({ detail }) => this.#sendAgain(detail), { signal });
    this.send();
  }

  close() {
    this.#signal.abort();
    clearTimeout(this.#retry);
    this.tabs.close();
  }

  /** How many edits the server has not judged yet. */
  get waiting() {
    return this.#queue.length;
  }

  /** The unsent mutations of a row, oldest first. */
  of(id) {
    return this.#queue.filter((mutation) => mutation.row === id);
  }

  /** The ids of the rows of an entity that are made here and unsent. */
  created(entity) {
    const event = `${entity}_create`;
    return this.#queue.filter((mutation) => mutation.event === event).map(({ row }) => row);
  }

  /**
   * Keeps an edit, and sends it as soon as may be.
   *
   * Resolves with the ack, or with `{status: "waiting"}` when there is no connection. Rejects with
   * `ApiError` when the server refused it; then it is forgotten here.
   */
  async write(event, payload) {
    const entity = event.split("_")[0];
    const mutation = {
      agent: this.agentId,
      event,
      row: payload.id ?? payload[entity].id,
      payload: { ...payload, mutation_id: newId(), edited_at: Date.now() },
    };
    mutation.sequence = await this.storage.add("mutations", mutation);
    this.#queue.push(mutation);
    const answer = new Promise((resolve, reject) => {
      this.#writers.set(mutation.sequence, { resolve, reject });
    });
    this.#changed();
    if (this.connection.state !== "online") this.#letWritersGo();
    this.send();
    return answer;
  }

  /** Sends what waits, oldest first, unless that is going on. */
  async send() {
    if (this.#sending || this.connection.state !== "online") return;
    this.#sending = true;
    clearTimeout(this.#retry);
    try {
      await navigator.locks.request(this.lockName, () => this.#sendAll());
    } finally {
      this.#sending = false;
    }
    // One that was written just as the last was answered.
    if (this.#queue.length && this.connection.state === "online" && !this.#retry) this.send();
  }

  async #sendAll() {
    // Another tab may have sent some of them meanwhile.
    await this.#load();
    this.#retry = null;
    while (this.#queue.length && this.connection.state === "online") {
      const mutation = this.#queue[0];
      try {
        await this.#acknowledged(
          mutation,
          await this.connection.send(mutation.event, mutation.payload),
        );
      } catch (error) {
        if (error.passing || error.code === "unauthenticated") {
          this.#letWritersGo();
          this.#retry = setTimeout(() => {
            this.#retry = null;
            this.send();
          }, error.retryAfterMs ?? RETRY_MS);
          return;
        }
        await this.#refused(mutation, error);
      }
    }
  }

  async #acknowledged(mutation, ack) {
    const kept = { ...mutation, acknowledged: Date.now(), epoch: this.connection.epoch };
    await this.storage.put("mutations", kept);
    this.#forget(mutation);
    this.#tell("acknowledged", { mutation, ack });
    const writer = this.#takeWriter(mutation);
    if (writer) writer.resolve(ack);
    else if (ack.conflicts?.length)
      this.#tell("conflicted", { mutation, conflicts: ack.conflicts });
    this.#changed();
  }

  async #refused(mutation, error) {
    await this.storage.delete("mutations", mutation.sequence);
    this.#forget(mutation);
    const writer = this.#takeWriter(mutation);
    if (writer) writer.reject(error);
    else this.#tell("refused", { mutation, error });
    this.#changed();
  }

  /** A restored database may have lost what it had acknowledged: it is judged once more. */
  async #sendAgain(epoch) {
    const all = await this.storage.getAllFromIndex("mutations", "agent", this.agentId);
    for (const { acknowledged, epoch: of, ...mutation } of all) {
      if (acknowledged && of !== epoch) await this.storage.put("mutations", mutation);
    }
    await this.#load();
    this.send();
  }

  async #load() {
    const all = await this.storage.getAllFromIndex("mutations", "agent", this.agentId);
    for (const mutation of all) {
      if (mutation.acknowledged < Date.now() - KEPT_MS) {
        await this.storage.delete("mutations", mutation.sequence);
      }
    }
    this.#queue = all.filter((mutation) => !mutation.acknowledged);
    this.#tell("waiting");
  }

  #stateChanged() {
    if (this.connection.state === "online") this.send();
    else this.#letWritersGo();
  }

  /** Whoever waits for an answer is told that it comes later. */
  #letWritersGo() {
    for (const writer of this.#writers.values())
      writer.resolve({ status: "waiting", conflicts: [] });
    this.#writers.clear();
  }

  #takeWriter(mutation) {
    const writer = this.#writers.get(mutation.sequence);
    this.#writers.delete(mutation.sequence);
    return writer;
  }

  #forget(mutation) {
    this.#queue = this.#queue.filter((each) => each.sequence !== mutation.sequence);
  }

  #changed() {
    // What was written last as one signed out is kept, and has no more to tell.
    if (!this.#signal.signal.aborted) this.tabs.postMessage("changed");
    this.#tell("waiting");
  }

  #tell(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
