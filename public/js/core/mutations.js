import { ApiError, checkSize } from "./errors.js";
import { newId } from "./ids.js";
import { Kept } from "./kept.js";
import { overlaid } from "./overlay.js";
import { Sender, waitOf } from "./sender.js";

const WAITING = { status: "waiting", conflicts: [] };

/**
 * The edits of this agent in this browser: kept in IndexedDB (`Kept`) before they are sent, sent in
 * order, and again until the server has judged them (`Sender`). Tabs share all of it, and tell each
 * other.
 *
 * Events: `waiting` (something of it changed); `acknowledged` (detail: {mutation, ack}); `refused`
 * (detail: {mutation, error}) and `conflicted` (detail: {mutation, conflicts}), of edits whose
 * writer does not wait for the answer any more.
 */
export class Mutations extends EventTarget {
  #kept;
  #writers = new Map();
  #epoch = null;
  #signal = new AbortController();

  constructor(storage, connection, agentId) {
    super();
    this.connection = connection;
    this.agentId = agentId;
    this.#kept = new Kept(storage, agentId);
    const name = `fieldbook-mutations-${agentId}`;
    this.tabs = new BroadcastChannel(name);
    this.sender = new Sender(this, connection, name);
  }

  async open() {
    await this.load();
    const { signal } = this.#signal;
    this.tabs.addEventListener("message", ({ data }) => this.#heard(data), { signal });
    for (const type of ["state", "epoch"]) {
      this.connection.addEventListener(type, () => this.#lineChanged(), { signal });
    }
    await this.#lineChanged();
  }

  close() {
    this.#signal.abort();
    this.sender.close();
    this.tabs.close();
  }

  /** Those that the server has not judged, oldest first. */
  get queue() {
    return this.#kept.queue;
  }

  /** How many those are, but for such as may still be withdrawn. */
  get waiting() {
    return this.queue.filter((mutation) => !waitOf(mutation)).length;
  }

  /** The unsent mutations of a row, oldest first. */
  of(id) {
    return this.queue.filter((mutation) => mutation.row === id);
  }

  /** The ids of the rows of an entity that are made here and unsent. */
  created(entity) {
    const event = `${entity}_create`;
    return this.queue.filter((mutation) => mutation.event === event).map(({ row }) => row);
  }

  /** Those that were refused, and wait to be mended, discarded or read; of a row, or all. */
  refusedOf(id = null) {
    return this.#kept.refused.filter(({ row }) => id === null || row === id);
  }

  /**
   * What edits of a row met that nobody has looked at yet: `{conflicts, version, sequences}`, with the
   * row's version then and whose conflicts these are; or null.
   */
  conflictsOf(id) {
    return this.#kept.conflictsOf(id);
  }

  /** The rows that wait for a person: something of them is to be mended or chosen. */
  get troubled() {
    return this.#kept.troubled;
  }

  /** All that is kept of a row, also what was acknowledged within the last week; oldest first. */
  async kept(id) {
    return (await this.#kept.all()).filter(({ row }) => row === id);
  }

  /** Whether a row was made here, within the last week, and that is not refused. */
  async made(id) {
    const all = await this.kept(id);
    return all.some(({ event, refused }) => event.endsWith("_create") && !refused);
  }

  /**
   * Keeps an edit, and sends it as soon as may be.
   *
   * Resolves with the ack, or with `{status: "waiting"}` when there is no connection. Rejects with
   * `ApiError` when the server refused it, which then is the writer's to tell and to keep; or when it
   * could not be kept here.
   */
  async write(event, payload) {
    return (await this.keep(event, payload)).answer;
  }

  /**
   * Resolves once the edit is kept, with its `sequence` and the `answer` as `write` gives it.
   * With `delay` it is sent after so many milliseconds, also if the page is gone by then, unless it
   * is withdrawn or postponed.
   */
  async keep(event, payload, { delay = 0 } = {}) {
    const entity = event.split("_")[0];
    checkSize(payload, this.connection.welcome?.limits.payload_bytes);
    const mutation = {
      agent: this.agentId,
      event,
      row: payload.id ?? payload[entity].id,
      payload: { ...payload, mutation_id: newId(), edited_at: Date.now() },
      ...(delay ? { not_before: Date.now() + delay } : {}),
    };
    await this.#kept.add(mutation);
    const answer = new Promise((resolve, reject) => {
      this.#writers.set(mutation.sequence, { resolve, reject });
    });
    this.#changed();
    if (this.connection.state !== "online") this.delayed();
    this.sender.send();
    return { sequence: mutation.sequence, answer };
  }

  /** Lets a mutation wait that much longer from now on, or no more; unless it is on its way. */
  async postpone(sequence, delay) {
    await this.#change([sequence], (mutation) =>
      mutation.not_before ? { ...mutation, not_before: Date.now() + delay } : undefined,
    );
    this.sender.send();
  }

  /** Takes a mutation back that is not to be sent yet; false when it may be on its way. */
  async withdraw(sequence) {
    const changed = await this.#change([sequence], (mutation) =>
      mutation.not_before ? null : undefined,
    );
    return changed.length > 0;
  }

  /** Forgets refused mutations: they are mended, discarded or read. */
  dismiss(sequences) {
    return this.#change(sequences, ({ refused }) => (refused ? null : undefined));
  }

  /** Somebody has looked at the conflicts of these. */
  settle(sequences) {
    return this.#change(sequences, ({ conflicts, version, ...mutation }) => mutation);
  }

  /** For the sender: the mutation as it is to be sent, null when it was withdrawn or postponed. */
  async claim(mutation) {
    if (!mutation.not_before) return mutation;
    const [claimed] = await this.#kept.change([mutation.sequence], (known) => {
      const { not_before, ...due } = known;
      return waitOf(known) ? undefined : due;
    });
    if (!claimed) await this.load();
    return claimed ?? null;
  }

  /** For the sender: the server has carried it out. */
  async acknowledged(mutation, ack) {
    const asks = ack.conflicts?.length && /^contact_(create|update)$/.test(mutation.event);
    await this.#kept.replace({
      ...mutation,
      acknowledged: Date.now(),
      epoch: this.connection.epoch,
      ...(asks ? { conflicts: ack.conflicts, version: ack.version } : {}),
    });
    this.#kept.forget(mutation);
    if (asks) await this.#kept.load();
    this.#tell("acknowledged", { mutation, ack });
    this.#post({ mutation, ack });
    const writer = this.#takeWriter(mutation);
    if (writer) writer.resolve(ack);
    else if (ack.conflicts?.length)
      this.#tell("conflicted", { mutation, conflicts: ack.conflicts });
    this.#changed();
  }

  /** For the sender: the server will not have it; nor what is behind the creation of a row. */
  async refused(mutation, error) {
    const entity = mutation.event.split("_")[0];
    const { code, message, details } = error;
    const creates = mutation.event.endsWith("_create");
    const behind = creates ? this.of(mutation.row).filter((each) => isLater(each, mutation)) : [];
    const group = [mutation, ...behind];
    // Made and deleted: nobody misses it.
    const moot = creates && !overlaid(undefined, group, entity);
    const writer = this.#takeWriter(mutation);
    const told = moot || (writer && !behind.length);
    await this.#kept.change(group.map(sequenceOf), (known) => {
      const refused = { code, message, details, behind: known.sequence !== mutation.sequence };
      return told ? null : { ...known, refused };
    });
    for (const each of behind) this.#takeWriter(each)?.reject(error);
    this.#post({ mutation, error: { code, message, details } });
    if (writer) writer.reject(error);
    else if (!moot) this.#tell("refused", { mutation, error });
    this.#changed();
  }

  /** For the sender: whoever waits for an answer is told that it comes later. */
  delayed() {
    for (const writer of this.#writers.values()) writer.resolve(WAITING);
    this.#writers.clear();
  }

  /** Reads anew what is kept, also by other tabs. */
  async load() {
    await this.#kept.load();
    this.#tell("waiting");
  }

  /** Another tab wrote something, or tells what became of an edit, which may be of this one. */
  async #heard({ mutation, ack, error }) {
    if (ack) {
      this.#kept.forget(mutation);
      this.#tell("acknowledged", { mutation, ack });
      this.#takeWriter(mutation)?.resolve(ack);
    }
    await this.load();
    if (error) await this.#heardOfRefusal(mutation, error);
    if (this.queue.length) this.sender.lookSoon();
  }

  /** What this tab waits for is its writer's to tell and to keep, but for what is of a group. */
  async #heardOfRefusal(mutation, { code, message, details }) {
    const group = this.refusedOf(mutation.row);
    const writers = [mutation, ...group].map((each) => this.#takeWriter(each)).filter(Boolean);
    if (writers.length && group.length === 1) await this.dismiss([mutation.sequence]);
    for (const writer of writers) writer.reject(new ApiError(code, message, details));
  }

  async #lineChanged() {
    if (this.connection.state === "online") {
      await this.#sendLostAgain(this.connection.epoch);
      this.sender.send();
    } else this.delayed();
  }

  /** A restored database may have lost what it had acknowledged: it is judged once more. */
  async #sendLostAgain(epoch) {
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    const all = await this.#kept.all();
    const isLost = (each) => each.acknowledged && each.epoch !== epoch;
    await this.#change(all.filter(isLost).map(sequenceOf), (known) =>
      isLost(known) ? unsent(known) : undefined,
    );
  }

  async #change(sequences, change) {
    const changed = sequences.length ? await this.#kept.change(sequences, change) : [];
    if (changed.length) this.#changed();
    return changed;
  }

  #takeWriter(mutation) {
    const writer = this.#writers.get(mutation.sequence);
    this.#writers.delete(mutation.sequence);
    return writer;
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

const isLater = (one, other) => one.sequence > other.sequence;

const sequenceOf = ({ sequence }) => sequence;

const unsent = ({ acknowledged, epoch, conflicts, version, ...mutation }) => mutation;
