const RETRY_MS = 5_000;
// What another tab wrote it sends itself, unless it was closed just then.
const OTHERS_MS = 1_000;
// A wait that is longer was begun by a clock that has been set back since.
const LONGEST_WAIT_MS = 60_000;

/** How long a mutation is not to be sent yet, in milliseconds; 0 when it may be. */
export function waitOf({ not_before: from = 0 }, now = Date.now()) {
  const wait = from - now;
  return wait > LONGEST_WAIT_MS ? 0 : Math.max(0, wait);
}

/**
 * Sends what waits in the queue, in order; of all tabs one at a time, under a Web Lock. Where there
 * are none (a page that is not served by https or from this computer) two may send the same, which the
 * server carries out once. An edit that the server stumbles over holds up those of the same row alone,
 * and so does one that is not to be sent yet.
 *
 * `mutations` has the `queue`, reads it anew (`load`), hands out what is to be sent (`claim`), and is
 * told what became of it: `acknowledged`, `refused`, `delayed`.
 */
export class Sender {
  #sending = false;
  #held = new Set();
  #retry = null;
  #alarm = null;
  #closed = false;

  constructor(mutations, connection, lockName) {
    this.mutations = mutations;
    this.connection = connection;
    this.lockName = lockName;
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#alarm);
  }

  /** Sends what waits, unless that is going on. */
  async send() {
    if (this.#sending || !this.#mayGoOn) return;
    this.#sending = true;
    this.#stopRetry();
    try {
      await this.#alone(() => this.#sendAll());
    } catch (error) {
      // The browser could not keep what became of it: it is asked for once more.
      this.#tryAgain(RETRY_MS);
      throw error;
    } finally {
      this.#sending = false;
      this.#setAlarm();
    }
    // One that was written just as the last was answered.
    if (!this.#retry && this.#next()) this.send();
  }

  /** Another tab wrote something: if it does not send that, this one does. */
  lookSoon() {
    this.#setAlarm(OTHERS_MS);
  }

  get #mayGoOn() {
    return !this.#closed && this.connection.state === "online";
  }

  /** While no other tab sends. */
  #alone(work) {
    return navigator.locks ? navigator.locks.request(this.lockName, work) : work();
  }

  async #sendAll() {
    // Another tab may have sent some of them meanwhile.
    await this.mutations.load();
    this.#held.clear();
    for (let next = this.#next(); next && this.#mayGoOn; next = this.#next()) {
      const mutation = await this.mutations.claim(next);
      if (!mutation) {
        // Withdrawn or postponed: what is behind it is looked at anew.
        this.#held.add(next.row);
        continue;
      }
      const { ack, error } = await this.#ask(mutation);
      if (ack) await this.mutations.acknowledged(mutation, ack);
      else if (error.code === "internal") this.#held.add(mutation.row);
      else if (isUnjudged(error)) {
        this.#tryAgain(error.retryAfterMs ?? RETRY_MS);
        return;
      } else await this.mutations.refused(mutation, error);
    }
    if (this.#held.size) this.#tryAgain(RETRY_MS);
  }

  async #ask(mutation) {
    try {
      return { ack: await this.connection.send(mutation.event, mutation.payload) };
    } catch (error) {
      return { error };
    }
  }

  /** The oldest that may be sent, and is behind none of its row that may not. */
  #next() {
    const held = new Set(this.#held);
    for (const mutation of this.mutations.queue) {
      if (held.has(mutation.row)) continue;
      if (!waitOf(mutation)) return mutation;
      held.add(mutation.row);
    }
    return null;
  }

  #tryAgain(delay) {
    this.mutations.delayed();
    this.#stopRetry();
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.send();
    }, delay);
  }

  #stopRetry() {
    clearTimeout(this.#retry);
    this.#retry = null;
  }

  /** For what is not to be sent yet, or at the latest after so many milliseconds. */
  #setAlarm(least = Number.POSITIVE_INFINITY) {
    clearTimeout(this.#alarm);
    const waits = this.mutations.queue.map((mutation) => waitOf(mutation)).filter(Boolean);
    const delay = Math.min(least, ...waits);
    if (this.#closed || delay === Number.POSITIVE_INFINITY) return;
    this.#alarm = setTimeout(() => this.send(), delay);
  }
}

/** Whether the server has not judged it: it was not reached, or had shut the sender out. */
const isUnjudged = ({ passing, code, details }) =>
  passing || code === "unauthenticated" || (code === "forbidden" && details.reason !== undefined);
