import { ApiError } from "../core/errors.js";
import { newId } from "../core/ids.js";
import { withWish } from "./fields.js";
import { changesColumns, DEFAULTS, queryOf } from "./options.js";

const PATH = "/api/bulk/import";
// Several changes in a row are asked of the server once.
const PATIENCE_MS = 400;

/**
 * A file that is not imported yet: what the server would make of it, and what is asked of it.
 *
 * `state` is "empty" (no file is chosen), "waiting" (about to be asked), "sending", "reading" (the
 * server looks through it), "shown" (`answer` is the dry run's), "refused" (`error` says why),
 * "stopped", or "starting" (it is sent to be imported). `sent` is the part of the file that is sent,
 * 0 to 1. While it is asked again, `answer` is still the one before. Event `changed`.
 */
export class ImportDraft extends EventTarget {
  #abort = null;
  #timer = null;
  #key = null;

  constructor(rest) {
    super();
    this.rest = rest;
    this.reset();
  }

  reset() {
    this.#end();
    this.file = null;
    this.options = { ...DEFAULTS };
    /** `{column: field}`, where one wishes for another than is proposed; null leaves it out. */
    this.wishes = {};
    this.answer = null;
    this.error = null;
    this.#enter("empty");
  }

  /** Whether something is on its way to or from the server, or about to be. */
  get busy() {
    return ["waiting", "sending", "reading", "starting"].includes(this.state);
  }

  /** Whether what is shown is what an import would do now, so that it may be run. */
  get ready() {
    return this.state === "shown" || (this.#key !== null && !this.busy);
  }

  /** Takes a file and asks what would become of it. How rows are taken stays as it was chosen. */
  choose(file) {
    this.file = file;
    this.wishes = {};
    this.options = { ...this.options, format: "", encoding: "", delimiter: "" };
    this.answer = null;
    return this.ask();
  }

  set(name, value) {
    this.options = { ...this.options, [name]: value };
    if (changesColumns(name)) this.wishes = {};
    this.#askSoon();
  }

  /** Sends a column to a field, or leaves it out (null). */
  wish(column, path) {
    this.wishes = withWish(this.wishes, column, path);
    this.#askSoon();
  }

  /** Takes all wishes back. */
  propose() {
    this.wishes = {};
    this.#askSoon();
  }

  /** Asks what an import would do: `answer` or `error` is there afterwards. */
  async ask() {
    this.#key = null;
    try {
      this.answer = await this.#send({ dry_run: true });
      this.error = null;
      this.#enter("shown");
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Starts the import: the job, or null when it was stopped or refused. Sent again, it is the same one. */
  async run() {
    this.#key ??= newId();
    try {
      const job = await this.#send({}, { "Idempotency-Key": this.#key }, "starting");
      this.error = null;
      return job;
    } catch (error) {
      this.#failed(error);
      return null;
    }
  }

  /** Stops what is on its way; the file and what was chosen stay. */
  stop() {
    this.#end();
    this.#enter("stopped");
  }

  async #send(query, headers = {}, state = null) {
    this.#end();
    const abort = new AbortController();
    this.#abort = abort;
    this.sent = 0;
    this.#enter(state ?? "sending");
    const onProgress = (fraction) => {
      if (abort.signal.aborted) return;
      this.sent = fraction;
      this.#enter(state ?? (fraction < 1 ? "sending" : "reading"));
    };
    const { signal } = abort;
    const asked = { ...queryOf(this.options, this.wishes), ...query };
    const { file } = this;
    try {
      const answer = await this.rest.upload(PATH, file, asked, { onProgress, signal, headers });
      // Whoever aborts at the last moment does not want it any more.
      signal.throwIfAborted();
      return answer;
    } catch (error) {
      // A browser says of a file that it can't read what it says of a line that is cut.
      if (!signal.aborted && error.code === "offline" && !(await readable(file)))
        throw unreadable();
      throw error;
    } finally {
      if (this.#abort === abort) this.#abort = null;
    }
  }

  #askSoon() {
    this.#end();
    this.#key = null;
    this.#enter("waiting");
    this.#timer = setTimeout(() => this.ask(), PATIENCE_MS);
  }

  #failed(error) {
    // Stopped, or asked anew: that has its own state.
    if (error.name === "AbortError") return;
    this.error = error;
    this.#enter("refused");
  }

  #end() {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#abort = null;
  }

  #enter(state) {
    this.state = state;
    this.dispatchEvent(new CustomEvent("changed"));
  }
}

const drafts = new WeakMap();

/**
 * The draft of who is signed in: a chosen file waits while one looks at another view, but for nobody
 * else, as each sign-in has a connection of its own.
 */
export function draftOf({ connection, rest }) {
  if (!drafts.has(connection)) drafts.set(connection, new ImportDraft(rest));
  return drafts.get(connection);
}

async function readable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    // Deleted, changed on the disk, or a folder; whichever, it is told.
    return false;
  }
}

const unreadable = () =>
  new ApiError(
    "invalid",
    "The file can't be read: it was changed or moved since, or is a folder. Choose it again.",
  );
