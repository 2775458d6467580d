import { io } from "../../vendor/socket.io-client/socket.io.esm.min.js";
import { ApiError, offline } from "./errors.js";
import { setSkew } from "./times.js";

const ACK_MS = 15_000;
const RETRY_MS = [1_000, 30_000];

/**
 * The socket: signs in at each connect, tells what comes, and notices what was missed.
 *
 * Events: `state`; `changes` (detail: a change set); `stale` (something was missed, so what is on
 * hand may be old); `job` (detail: a job); `agent` (detail: who is signed in, as they are now, at each
 * sign-in and when that changed); `epoch` (the database began a new life); `revoked`
 * (detail: the reason; the key is no good any more).
 */
export class Connection extends EventTarget {
  #socket = null;
  #timers = new Map();
  #failures = 0;
  #closed = false;

  /** `head` is the version and epoch of what was read before: what is newer by then was missed. */
  constructor(head) {
    super();
    /** "connecting", "online" or "offline", and since when. */
    this.state = "connecting";
    this.since = new Date();
    /** What `auth` answered: agent, tenant, limits and so on. */
    this.welcome = null;
    this.epoch = head.epoch;
    /** Everything up to this version was read or told here, or told to be `stale`. */
    this.cursor = head.version;
    /** The server's clock minus this one's. */
    this.skewMs = 0;
  }

  /** Connects, and again whenever the line is cut, until `close`; `writerId` names this browser. */
  open(apiKey, writerId) {
    const who = { api_key: apiKey, writer_id: writerId, batch: true, protocol: 1 };
    this.#socket = io({
      transports: ["websocket"],
      forceNew: true,
      reconnectionDelay: 500,
      reconnectionDelayMax: 10_000,
      auth: (give) => give({ ...who, clock: Date.now() }),
    });
    const on = (event, handler) => this.#socket.on(event, handler);
    on("authenticated", (answer) => this.#welcomed(answer));
    on("connect_error", (error) => this.#refused(error));
    on("disconnect", () => this.#cutOff());
    on("changes", (changeSet) => this.#changed(changeSet));
    on("sync_available", ({ version }) => this.#missed(version));
    on("job_progress", ({ job }) => this.#tell("job", job));
    on("agent_changed", ({ agent }) => this.#tell("agent", agent));
    on("revoked", ({ reason }) => this.#tell("revoked", reason));
  }

  close() {
    // To be cut off by oneself is no reason to come back.
    this.#closed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#socket?.disconnect();
  }

  /** The ack of an event. Rejects with `ApiError`: `offline` when it is not known to have come. */
  async send(event, payload) {
    if (this.state !== "online") throw offline();
    let answer;
    try {
      answer = await this.#socket.timeout(ACK_MS).emitWithAck(event, payload);
    } catch {
      // Cut off, or no answer in time: both mean that it must be sent again.
      throw offline();
    }
    if (answer.ok) return answer;
    throw new ApiError(answer.error.code, answer.error.message, answer.error);
  }

  #welcomed(answer) {
    const newEpoch = answer.epoch !== this.epoch;
    const missed = newEpoch || answer.version !== this.cursor;
    this.welcome = answer;
    this.#failures = 0;
    this.cursor = answer.version;
    this.epoch = answer.epoch;
    this.#setClock(Date.parse(answer.server_time));
    this.#enter("online");
    this.#tell("agent", answer.agent);
    if (newEpoch) this.#tell("epoch", answer.epoch);
    if (missed) this.#tell("stale");
    this.#pingLater();
  }

  #refused(error) {
    this.#enter("offline");
    const code = error.data?.error?.code;
    if (code === "unauthenticated" || code === "forbidden") {
      this.close();
      this.#tell("revoked", code);
    } else if (!this.#socket.active) {
      // Refused by the server itself: then the library does not try again.
      const [least, most] = RETRY_MS;
      const wait = Math.min(most, least * 2 ** this.#failures++) * (0.5 + Math.random());
      this.#connectLater(error.data?.error?.retry_after_ms ?? wait);
    }
  }

  #cutOff() {
    this.#enter("offline");
    // The server may close a line as it goes down; that too is no reason to stay away.
    if (!this.#socket.active) this.#connectLater(RETRY_MS[0] * (1 + Math.random()));
  }

  #changed(changeSet) {
    const newEpoch = changeSet.epoch !== this.epoch;
    const gap = newEpoch || changeSet.since > this.cursor;
    this.cursor = newEpoch ? changeSet.until : Math.max(this.cursor, changeSet.until);
    if (newEpoch) this.#enterEpoch(changeSet.epoch);
    this.#tell("changes", changeSet);
    if (gap) this.#tell("stale");
  }

  #enterEpoch(epoch) {
    this.epoch = epoch;
    this.#tell("epoch", epoch);
  }

  #missed(version) {
    this.cursor = Math.max(this.cursor, version);
    this.#tell("stale");
  }

  async #ping() {
    if (this.state !== "online") return;
    try {
      const sent = Date.now();
      const answer = await this.send("ping", { clock: sent, cursor: this.cursor });
      const delay = (Date.now() - sent) / 2;
      this.#setClock(Date.parse(answer.server_time) + delay);
      if (answer.epoch !== this.epoch) {
        this.cursor = answer.version;
        this.#enterEpoch(answer.epoch);
        this.#tell("stale");
      } else if (answer.version > this.cursor) this.#missed(answer.version);
    } catch (error) {
      // No answer to a ping: the line may be dead without having been cut. A new one is better.
      if (error.code === "offline" && this.state === "online") this.#socket.io.engine?.close();
    }
    this.#pingLater();
  }

  /** Times are told by the server's clock: this one may be a day wrong. */
  #setClock(serverTime) {
    this.skewMs = serverTime - Date.now();
    setSkew(this.skewMs);
  }

  #enter(state) {
    if (state === this.state) return;
    this.state = state;
    this.since = new Date();
    this.#tell("state");
  }

  #pingLater() {
    this.#later("ping", this.welcome.limits.ping_s * 1_000, () => this.#ping());
  }

  #connectLater(delay) {
    this.#later("connect", delay, () => this.#socket.connect());
  }

  /** One of each kind: each connection begins its own pings. */
  #later(kind, delay, work) {
    clearTimeout(this.#timers.get(kind));
    if (!this.#closed) this.#timers.set(kind, setTimeout(work, delay));
  }

  #tell(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
