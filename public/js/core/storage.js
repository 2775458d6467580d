import { openDB } from "../../vendor/idb/index.js";
import { ApiError } from "./errors.js";

const VERSION = 1;

const WORDS = {
  QuotaExceededError:
    "This browser has no room left to keep edits in. Free some space on this computer, then try again.",
  VersionError: "A newer Fieldbook is open in another tab. Reload this page.",
};

/** What this browser keeps: unsent and lately sent mutations, and drafts of forms. */
export async function openStorage() {
  return new Storage(await openDatabase());
}

const openDatabase = () =>
  openDB("fieldbook", VERSION, {
    upgrade(database) {
      const mutations = database.createObjectStore("mutations", {
        keyPath: "sequence",
        autoIncrement: true,
      });
      // A queue belongs to the agent who made it.
      mutations.createIndex("agent", "agent");
      database.createObjectStore("drafts");
    },
    // A newer version in another tab would wait for this one without end.
    blocking: (_version, _blocked, { target }) => target.close(),
  });

/**
 * The calls of idb that are needed here. The browser closes a database when its data are cleared:
 * then it is opened anew, empty, or nothing could be edited until the page is reloaded. Rejects with
 * `ApiError` of the code `storage`.
 */
class Storage {
  #database;

  constructor(database) {
    this.#database = database;
  }

  get = (...names) => this.#ask((database) => database.get(...names));
  getAllFromIndex = (...names) => this.#ask((database) => database.getAllFromIndex(...names));
  add = (...values) => this.#ask((database) => database.add(...values));
  put = (...values) => this.#ask((database) => database.put(...values));
  delete = (...names) => this.#ask((database) => database.delete(...names));

  /**
   * Changes some mutations, all or none of them, while nobody else does: `change(mutation)` gives what
   * is to stand in its place, null to remove it, undefined to leave it. Gives those that are changed.
   */
  changeMutations = (sequences, change) =>
    this.#ask(async (database) => {
      const transaction = database.transaction("mutations", "readwrite");
      const changed = [];
      for (const sequence of sequences) {
        const known = await transaction.store.get(sequence);
        const next = known && change(known);
        if (next === undefined) continue;
        // Nothing but the store's own answers may be waited for in here.
        if (next === null) await transaction.store.delete(sequence);
        else await transaction.store.put(next);
        changed.push(next ?? known);
      }
      await transaction.done;
      return changed;
    });

  async #ask(work) {
    try {
      return await this.#tryTwice(work);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      const words = WORDS[error.name] ?? `This browser can't keep edits (${error.message}).`;
      throw new ApiError("storage", words);
    }
  }

  async #tryTwice(work) {
    try {
      return await work(this.#database);
    } catch (error) {
      if (error.name !== "InvalidStateError") throw error;
      this.#database = await openDatabase();
      return work(this.#database);
    }
  }
}

/** Drafts of forms, by a name of their own; of the signed-in agent alone. */
export class Drafts {
  constructor(storage, agentId) {
    this.storage = storage;
    this.agentId = agentId;
  }

  read(name) {
    return this.storage.get("drafts", this.#key(name));
  }

  write(name, draft) {
    return this.storage.put("drafts", draft, this.#key(name));
  }

  remove(name) {
    return this.storage.delete("drafts", this.#key(name));
  }

  #key(name) {
    return `${this.agentId}/${name}`;
  }
}
