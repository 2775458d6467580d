import { LABELS, PLURALS } from "./entities.js";
import { overlaid } from "./overlay.js";

// Far more than a screen shows, far less than a company has.
const MOST_CONTACTS = 4_000;
const HIDDEN_MS = 500;

/**
 * The rows on hand: those that views asked for, and all labels. Change sets keep them fresh;
 * unsent edits lie over them.
 *
 * Events: `changed`, at most once a frame; detail: a Map from the entity's name to `{put, del, rows}`: the
 * ids that came and went, and each row that came, also those that are not on hand. `stale`: something was
 * missed; labels are read anew by the store, the rest is up to who shows it. `loaded`: all labels are on hand
 * that were not before.
 */
export class Store extends EventTarget {
  #rows = new Map(Object.keys(PLURALS).map((entity) => [entity, new Map()]));
  #tombstones = new Map();
  #agents = new Map();
  #sorted = new Map();
  #pending = null;
  #behind = false;

  constructor(rest, connection, mutations) {
    super();
    this.rest = rest;
    this.mutations = mutations;
    /** Whether all labels are on hand: until then, that there is none says nothing. */
    this.loaded = false;
    connection.addEventListener("state", () => {
      if (connection.state === "online" && this.#behind) this.#refresh();
    });
    connection.addEventListener("changes", ({ detail }) => this.apply(detail));
    connection.addEventListener("stale", () => this.#refresh());
    connection.addEventListener("epoch", () => this.#forgetAll());
    mutations.addEventListener("acknowledged", ({ detail }) => this.#acknowledged(detail));
    mutations.addEventListener("waiting", () => this.#note());
  }

  /** Reads the labels and agents, which every view needs; what fails is read with the next connection. */
  async load() {
    try {
      await Promise.all([...LABELS.map((entity) => this.#loadLabels(entity)), this.loadAgents()]);
    } catch (error) {
      this.#behind = true;
      throw error;
    }
    this.#behind = false;
    const first = !this.loaded;
    this.loaded = true;
    this.#note();
    if (first) this.dispatchEvent(new CustomEvent("loaded"));
  }

  async loadAgents() {
    const agents = await this.rest.all("/api/auth/agents");
    this.#agents = new Map(agents.map((agent) => [agent.id, agent]));
    this.#note();
  }

  /** Takes rows that REST gave; of two states of a row the higher version stays. */
  take(entity, rows) {
    const held = this.#rows.get(entity);
    for (const row of rows) {
      if (row.deleted_at) continue;
      const known = held.get(row.id);
      if (known && known.version > row.version) continue;
      if ((this.tombstone(entity, row.id)?.version ?? 0) > row.version) continue;
      this.#keep(entity, row);
    }
  }

  /** Applies a change set, row by row, each only if it is newer than what is on hand. */
  apply(changeSet) {
    for (const [entity, plural] of Object.entries(PLURALS)) {
      const { put = [], del = [] } = changeSet[plural] ?? {};
      for (const row of put) this.#put(entity, row);
      for (const tombstone of del) this.#bury(entity, tombstone);
    }
  }

  /** The row as to be shown: `pending` is true while edits of it are unsent. */
  get(entity, id) {
    return overlaid(this.server(entity, id), this.mutations.of(id), entity);
  }

  /** The row as the server has it, as far as is known here. */
  server(entity, id) {
    const held = this.#rows.get(entity);
    const row = held.get(id);
    if (row && entity === "contact") {
      // The most lately used last: the first ones are let go.
      held.delete(id);
      held.set(id, row);
    }
    return row;
  }

  tombstone(entity, id) {
    return this.#tombstones.get(`${entity}/${id}`);
  }

  label(entity, id) {
    return this.get(entity, id);
  }

  /** All tags, groups or types, by name. */
  labels(entity) {
    if (!this.#sorted.has(entity)) {
      const ids = new Set(this.#rows.get(entity).keys());
      for (const id of this.mutations.created(entity)) ids.add(id);
      const rows = [...ids].map((id) => this.get(entity, id)).filter(Boolean);
      this.#sorted.set(
        entity,
        rows.sort((one, other) => one.name.localeCompare(other.name)),
      );
    }
    return this.#sorted.get(entity);
  }

  agents() {
    return [...this.#agents.values()].sort((one, other) => one.name.localeCompare(other.name));
  }

  agent(id) {
    return this.#agents.get(id);
  }

  /** Who it was, for a person; null is nobody: a job, or somebody with psql. */
  agentName(id) {
    if (!id) return "the server";
    return this.#agents.get(id)?.name ?? "somebody";
  }

  #put(entity, row) {
    const held = this.#rows.get(entity);
    const known = held.get(row.id);
    if (known && known.version >= row.version) return;
    if ((this.tombstone(entity, row.id)?.version ?? 0) >= row.version) return;
    this.#tombstones.delete(`${entity}/${row.id}`);
    if (known || entity !== "contact") this.#keep(entity, row);
    const news = this.#news(entity);
    news.put.add(row.id);
    news.del.delete(row.id);
    news.rows.set(row.id, row);
  }

  #bury(entity, tombstone) {
    const held = this.#rows.get(entity);
    if ((held.get(tombstone.id)?.version ?? 0) > tombstone.version) return;
    held.delete(tombstone.id);
    this.#tombstones.set(`${entity}/${tombstone.id}`, tombstone);
    if (this.#tombstones.size > MOST_CONTACTS) {
      this.#tombstones.delete(this.#tombstones.keys().next().value);
    }
    const news = this.#news(entity);
    news.del.add(tombstone.id);
    news.put.delete(tombstone.id);
  }

  #keep(entity, row) {
    const held = this.#rows.get(entity);
    held.delete(row.id);
    held.set(row.id, row);
    this.#sorted.delete(entity);
    if (entity === "contact" && held.size > MOST_CONTACTS) held.delete(held.keys().next().value);
  }

  #acknowledged({ mutation, ack }) {
    const entity = mutation.event.split("_")[0];
    const row = ack[entity];
    if (!row) return;
    if (row.deleted_at) this.#bury(entity, row);
    else {
      this.#tombstones.delete(`${entity}/${row.id}`);
      this.take(entity, [row]);
      const news = this.#news(entity);
      news.put.add(row.id);
      news.rows.set(row.id, row);
    }
  }

  async #loadLabels(entity) {
    const held = this.#rows.get(entity);
    // What comes while the server reads is newer than what it read.
    const before = [...held.keys()];
    const rows = await this.rest.all(`/api/${PLURALS[entity]}`);
    const ids = new Set(rows.map((row) => row.id));
    for (const id of before) if (!ids.has(id)) held.delete(id);
    this.take(entity, rows);
    this.#sorted.delete(entity);
    this.#note();
  }

  /** In a new life versions begin anew, from before what is on hand: all that comes is newer. */
  #forgetAll() {
    for (const held of this.#rows.values()) held.clear();
    this.#tombstones.clear();
    this.loaded = false;
    this.#note();
  }

  async #refresh() {
    this.dispatchEvent(new CustomEvent("stale"));
    try {
      await this.load();
    } catch (error) {
      // Cut off again: with the next connection, see above.
      if (!error.passing) throw error;
    }
  }

  #news(entity) {
    this.#note();
    const news = this.#pending.get(entity) ?? { put: new Set(), del: new Set(), rows: new Map() };
    this.#pending.set(entity, news);
    return news;
  }

  #note() {
    this.#sorted.clear();
    if (this.#pending) return;
    this.#pending = new Map();
    const tell = () => {
      const detail = this.#pending;
      this.#pending = null;
      this.dispatchEvent(new CustomEvent("changed", { detail }));
    };
    // Nobody sees a hidden page, and its frames do not come.
    if (document.hidden) setTimeout(tell, HIDDEN_MS);
    else requestAnimationFrame(tell);
  }
}
