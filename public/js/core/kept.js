import { isMendable } from "./refusals.js";

const KEPT_MS = 7 * 24 * 3_600 * 1_000;

/**
 * The mutations of an agent that this browser keeps, as last read: each is `{sequence, agent, event,
 * row, payload}`, and
 * - with `not_before` while it is not to be sent yet;
 * - with `acknowledged` (when) and `epoch` for a week, as a restored database may have lost it; with
 *   `conflicts` and `version` until somebody has looked at these;
 * - with `refused` (`{code, message, details, behind}`) until that is mended, discarded or read;
 *   `behind`: it was not refused itself, but the creation of its row.
 */
export class Kept {
  /** Those that the server has not judged, oldest first. */
  queue = [];
  refused = [];
  conflicted = [];
  /** Those that this tab has added. */
  #own = new Set();

  constructor(storage, agentId) {
    this.storage = storage;
    this.agentId = agentId;
  }

  /** All that is kept, oldest first, read anew. */
  all() {
    return this.storage.getAllFromIndex("mutations", "agent", this.agentId);
  }

  /** See `Mutations`. */
  conflictsOf(id) {
    const all = this.conflicted.filter(({ row }) => row === id);
    if (!all.length) return null;
    const listed = all.flatMap(({ conflicts }) => conflicts.map((each) => [each.field, each]));
    return {
      conflicts: [...new Map(listed).values()],
      version: all.at(-1).version,
      sequences: all.map(({ sequence }) => sequence),
    };
  }

  /** See `Mutations`. */
  get troubled() {
    const all = [...this.refused.filter(isMendable), ...this.conflicted];
    return [...new Set(all.map(({ row }) => row))];
  }

  /** Adds one to the queue; it has its `sequence` then. */
  async add(mutation) {
    mutation.sequence = await this.storage.add("mutations", mutation);
    this.#own.add(mutation.sequence);
    // Unless the queue was read anew at just this moment, and has it.
    this.forget(mutation);
    this.queue.push(mutation);
  }

  /** Takes one out of the queue that is judged; what is kept of it is another's to say. */
  forget(mutation) {
    this.queue = this.queue.filter((each) => each.sequence !== mutation.sequence);
  }

  /** Reads anew what is kept, also by other tabs. */
  async load() {
    const before = new Set(this.#own);
    const all = await this.all();
    const read = new Set(all.map(({ sequence }) => sequence));
    // What was added while this read is not in what it read, and stays.
    const late = this.queue.filter(
      ({ sequence }) => this.#own.has(sequence) && !before.has(sequence) && !read.has(sequence),
    );
    this.queue = [...all.filter((each) => !each.acknowledged && !each.refused), ...late];
    this.refused = all.filter(({ refused }) => refused);
    this.conflicted = all.filter(({ conflicts }) => conflicts);
    // Not before: what is judged meanwhile would be back in the queue.
    for (const { acknowledged, conflicts, sequence } of all) {
      if (acknowledged < Date.now() - KEPT_MS && !conflicts) {
        await this.storage.delete("mutations", sequence);
      }
    }
  }

  /**
   * Changes some, all or none of them, while no other tab does, and reads anew: `change(mutation)`
   * gives what is to stand in its place, null to remove it, undefined to leave it. Gives those that are
   * changed, as they are then, or were.
   */
  async change(sequences, change) {
    const changed = await this.storage.changeMutations(sequences, change);
    if (changed.length) await this.load();
    return changed;
  }

  /** Puts one in its own place; what has no room there is forgotten. */
  async replace(mutation) {
    try {
      await this.storage.put("mutations", mutation);
    } catch (error) {
      if (error.code !== "storage") throw error;
      await this.storage.delete("mutations", mutation.sequence);
    }
  }
}
