import { ApiError } from "./errors.js";
import { newId } from "./ids.js";

const KEY = "fieldbook.api_key";
const WRITER = "fieldbook.writer_id";
const ID = /^[A-Za-z0-9_-]{8,64}$/;

/**
 * Who is signed in. The key is kept for the browser's session, or in this browser until one signs
 * out, if that was asked for.
 */
export class Session {
  constructor() {
    this.apiKey = sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);
    this.agent = null;
    this.tenant = null;
    /** The id of the key itself, as the list of keys has it. */
    this.keyId = null;
    /** Where the company's data stood when the key was looked at, before anything was read. */
    this.head = null;
    /** Names this browser, whose tabs share a queue, beside others with the same key. */
    this.writerId = writerIdOf(localStorage);
  }

  get role() {
    return this.agent?.role ?? null;
  }

  /** Whether one is an admin or a manager, who may see devices, statistics and everything done. */
  get leads() {
    return this.is("admin", "manager");
  }

  is(...roles) {
    return roles.includes(this.role);
  }

  /** Asks who the key is of. Rejects with `ApiError`, `unauthenticated` when it is nobody's. */
  async verify(rest) {
    const answer = await rest.get("/api/auth/verify");
    this.agent = answer.agent;
    this.tenant = answer.tenant;
    this.keyId = answer.key_id;
    this.head = { version: answer.version, epoch: answer.epoch };
  }

  /** False once another tab took the key away, or put somebody else's in its place. */
  get kept() {
    return [sessionStorage, localStorage].some((storage) => storage.getItem(KEY) === this.apiKey);
  }

  async signIn(rest, apiKey, { stay = false } = {}) {
    if (!apiKey) throw new ApiError("invalid", "Enter your API key.");
    this.apiKey = apiKey;
    try {
      await this.verify(rest);
      (stay ? localStorage : sessionStorage).setItem(KEY, apiKey);
    } catch (error) {
      this.apiKey = null;
      this.agent = null;
      throw error;
    }
  }

  signOut() {
    // Not what another tab has signed in with since.
    for (const storage of [sessionStorage, localStorage]) {
      if (storage.getItem(KEY) === this.apiKey) storage.removeItem(KEY);
    }
    this.apiKey = null;
    this.agent = null;
  }
}

function writerIdOf(storage) {
  const known = storage.getItem(WRITER);
  if (ID.test(known)) return known;
  const made = newId();
  try {
    storage.setItem(WRITER, made);
  } catch (error) {
    // Without room each tab is a writer of its own, which is told of the others' edits, too.
    if (error.name !== "QuotaExceededError") throw error;
  }
  return made;
}
