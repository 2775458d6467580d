import { ApiError } from "./errors.js";
import { newId } from "./ids.js";
import { formatCount } from "./times.js";

// Until `auth` said what the server takes; and room for what is around a payload.
const MOST_BYTES = 1_000_000;
const SPARE_BYTES = 1_000;
const KEPT_MS = 7 * 24 * 3_600 * 1_000;
const RETRY_MS = 5_000;

/**
 * The edits of this agent in this browser: kept in IndexedDB before they are sent, sent in order,
 * and again until the server has judged them.
 *
 * Tabs share the queue: one sends at a time, under a Web Lock, also what others wrote, and tells
 * them what became of it. Where there are no Web Locks (a page that is not served by https or from
 * this computer) two may send the same, which the server carries out once. What was acknowledged is
 * kept for a week, and sent again when the database begins a new life. An edit that the server
 * stumbles over holds up those of the same row alone.
 *
 * Events: `waiting` (the queue changed); `acknowledged` (detail: {mutation, ack}); `refused`
 * (detail: {mutation, error}) and `conflicted` (detail: {mutation, conflicts}), of edits whose
 * writer does not wait for the answer any more.
 */
export class Mutations extends EventTarget {
  #queue = [];
  #writers = new Map();
  #newest = 0;
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
    this.tabs.addEventListener("message", ({ data }) => this.#heard(data), { signal });
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

  /** Whether a row was made here, within the last week, also if that is acknowledged. */
  async made(id) {
    const all = await this.storage.getAllFromIndex("mutations", "agent", this.agentId);
    return all.some(({ row, event }) => row === id && event.endsWith("_create"));
  }

  /**
   * Keeps an edit, and sends it as soon as may be.
   *
   * Resolves with the ack, or with `{status: "waiting"}` when there is no connection. Rejects with
   * `ApiError` when the server refused it; then it is forgotten here.
   */
  async write(event, payload) {
    const entity = event.split("_")[0];
    this.#checkSize(payload);
    const mutation = {
      agent: this.agentId,
      event,
      row: payload.id ?? payload[entity].id,
      payload: { ...payload, mutation_id: newId(), edited_at: Date.now() },
    };
    mutation.sequence = await this.storage.add("mutations", mutation);
    this.#newest = Math.max(this.#newest, mutation.sequence);
    // Unless the queue was read anew at just this moment, and has it.
    this.#forget(mutation);
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
      await this.#alone(() => this.#sendAll());
    } finally {
      this.#sending = false;
    }
    // One that was written just as the last was answered.
    if (this.#queue.length && this.connection.state === "online" && !this.#retry) this.send();
  }

  /** While no other tab sends. */
  #alone(work) {
    return navigator.locks ? navigator.locks.request(this.lockName, work) : work();
  }

  async #sendAll() {
    // Another tab may have sent some of them meanwhile.
    await this.#load();
    this.#retry = null;
    // What the server stumbled over does not hold up the edits of other rows.
    const held = new Set();
    const next = () => this.#queue.find((mutation) => !held.has(mutation.row));
    for (let mutation = next(); mutation && this.connection.state === "online"; mutation = next()) {
      const { ack, error } = await this.#ask(mutation);
      if (ack) await this.#acknowledged(mutation, ack);
      else if (error.code === "internal") held.add(mutation.row);
      else if (error.passing || error.code === "unauthenticated") {
        this.#tryAgain(error.retryAfterMs ?? RETRY_MS);
        return;
      } else await this.#refused(mutation, error);
    }
    if (held.size) this.#tryAgain(RETRY_MS);
  }

  async #ask(mutation) {
    try {
      return { ack: await this.connection.send(mutation.event, mutation.payload) };
    } catch (error) {
      return { error };
    }
  }

  #tryAgain(delay) {
    this.#letWritersGo();
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.send();
    }, delay);
  }

  /** A message that is too large has the line cut, and would be sent again for ever. */
  #checkSize(payload) {
    const most = this.connection.welcome?.limits.payload_bytes ?? MOST_BYTES;
    const size = new TextEncoder().encode(JSON.stringify(payload)).length;
    if (size > most - SPARE_BYTES) {
      throw new ApiError("too_large", `This is ${formatCount(size)} bytes long. Make it shorter.`);
    }
  }

  async #acknowledged(mutation, ack) {
    const kept = { ...mutation, acknowledged: Date.now(), epoch: this.connection.epoch };
    await this.storage.put("mutations", kept);
    this.#forget(mutation);
    this.#tell("acknowledged", { mutation, ack });
    this.#post({ mutation, ack });
    const writer = this.#takeWriter(mutation);
    if (writer) writer.resolve(ack);
    else if (ack.conflicts?.length)
      this.#tell("conflicted", { mutation, conflicts: ack.conflicts });
    this.#changed();
  }

  async #refused(mutation, error) {
    await this.storage.delete("mutations", mutation.sequence);
    this.#forget(mutation);
    const { code, message, details } = error;
    this.#post({ mutation, error: { code, message, details } });
    const writer = this.#takeWriter(mutation);
    if (writer) writer.reject(error);
    else this.#tell("refused", { mutation, error });
    this.#changed();
  }

  /** Another tab wrote something, or tells what became of an edit, which may be of this one. */
  #heard({ mutation, ack, error }) {
    if (mutation) {
      const writer = this.#takeWriter(mutation);
      this.#forget(mutation);
      if (ack) this.#tell("acknowledged", { mutation, ack });
      if (ack) writer?.resolve(ack);
      else writer?.reject(new ApiError(error.code, error.message, error.details));
    }
    return this.#load();
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
    // What is written while this reads is not in what it reads, and stays.
    const newest = this.#newest;
    const all = await this.storage.getAllFromIndex("mutations", "agent", this.agentId);
    const read = new Set(all.map(({ sequence }) => sequence));
    for (const mutation of all) {
      if (mutation.acknowledged < Date.now() - KEPT_MS) {
        await this.storage.delete("mutations", mutation.sequence);
      }
    }
    const late = this.#queue.filter(({ sequence }) => sequence > newest && !read.has(sequence));
    this.#queue = [...all.filter((mutation) => !mutation.acknowledged), ...late];
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
    this.#post({});
    this.#tell("waiting");
  }

  #post(message) {
    // What was written last as one signed out is kept, and has no more to tell.
    if (!this.#signal.signal.aborted) this.tabs.postMessage(message);
  }

  #tell(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
