import { openDB } from "../../vendor/idb/index.js";

const VERSION = 1;

/** What this browser keeps: unsent and lately sent mutations, and drafts of forms. */
export const openStorage = () =>
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
