import { openDB } from "../../vendor/idb/index.js";

const VERSION = 1;

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
  });

/**
 * The calls of idb that are needed here. The browser closes a database when its data are cleared:
 * then it is opened anew, empty, or nothing could be edited until the page is reloaded.
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

  async #ask(work) {
    try {
      return await work(this.#database);
    } catch (error) {
      if (error.name !== "InvalidStateError") throw error;
      this.#database = await openDatabase();
      return work(this.#database);
    }
  }
}

/**
 * Drafts of forms, by a name of their own; of the signed-in agent alone. Event `written` (detail:
 * the name).
 */
export class Drafts extends EventTarget {
  constructor(storage, agentId) {
    super();
    this.storage = storage;
    this.agentId = agentId;
  }

  read(name) {
    return this.storage.get("drafts", this.#key(name));
  }

  async write(name, draft) {
    await this.storage.put("drafts", draft, this.#key(name));
    this.dispatchEvent(new CustomEvent("written", { detail: name }));
  }

  remove(name) {
    return this.storage.delete("drafts", this.#key(name));
  }

  #key(name) {
    return `${this.agentId}/${name}`;
  }
}
