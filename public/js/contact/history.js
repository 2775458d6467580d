const PAGE = 20;
const DEBOUNCE_MS = 250;

/**
 * The history of a contact, newest first, page by page; `refresh()` reads the first page anew.
 *
 * Calls `changed()` when there is something new to show.
 */
export class ContactHistory {
  #end = new AbortController();
  #timer = null;
  #asked = 0;
  #devices = new Map();

  constructor({ rest, session }, id, changed) {
    this.rest = rest;
    this.leads = session.leads;
    this.path = `/api/contacts/${encodeURIComponent(id)}/history`;
    this.changed = changed;
    /** Null until the first page is there. */
    this.items = null;
    this.cursor = null;
    this.error = null;
    this.busy = false;
  }

  close() {
    this.#end.abort();
    clearTimeout(this.#timer);
  }

  /** Soon, once for several changes. */
  refreshSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), DEBOUNCE_MS);
  }

  async refresh() {
    const asked = ++this.#asked;
    const page = await this.#read(null);
    // A later question has been answered, or will be.
    if (!page || asked !== this.#asked) return;
    const { items, cursor } = joined(page, this);
    this.items = items;
    this.cursor = cursor;
    this.changed();
  }

  async more() {
    if (this.busy) return;
    this.busy = true;
    this.changed();
    const page = await this.#read(this.cursor);
    this.busy = false;
    if (page) {
      const known = new Set(this.items.map(({ id }) => id));
      this.items = [...this.items, ...page.items.filter(({ id }) => !known.has(id))];
      this.cursor = page.next_cursor;
    }
    this.changed();
  }

  /** What a device is called; its id to those who may not know. */
  deviceName(id) {
    if (!this.#devices.has(id)) {
      this.#devices.set(id, id);
      if (this.leads) this.#readDevice(id);
    }
    return this.#devices.get(id);
  }

  async #read(cursor) {
    const { signal } = this.#end;
    try {
      const page = await this.rest.get(this.path, { limit: PAGE, cursor }, { signal });
      this.error = null;
      return page;
    } catch (error) {
      if (signal.aborted) return null;
      this.error = error;
      this.changed();
      return null;
    }
  }

  async #readDevice(id) {
    const { signal } = this.#end;
    try {
      const device = await this.rest.get(`/api/devices/${encodeURIComponent(id)}`, {}, { signal });
      this.#devices.set(id, device.name || device.model || id);
      this.changed();
    } catch (error) {
      // A device that is gone, or a line that is cut: its id says enough.
      if (!signal.aborted && !error.code) throw error;
    }
  }
}

/** A fresh first page and what was there: all that is known, or the page alone after a gap. */
export function joined(page, { items, cursor }) {
  const held = items ?? [];
  const fresh = new Set(page.items.map(({ id }) => id));
  const older = held.filter(({ id }) => !fresh.has(id));
  const touching = older.length < held.length;
  if (!touching) return { items: page.items, cursor: page.next_cursor };
  // Nothing older than the page is held if the page reaches further down.
  return { items: [...page.items, ...older], cursor: older.length ? cursor : page.next_cursor };
}

/** Who changed a field last, `{by, at, version}`, as far as these entries tell; null if they do not. */
export function lastChange(items, name) {
  const entry = (items ?? []).find(
    ({ outcome, changes }) =>
      outcome === "applied" && (name in changes || name.split(".")[0] in changes),
  );
  return entry ? { by: entry.agent, at: entry.at, version: entry.version } : null;
}

/** The name that a deleted contact had, as far as these entries tell; "" if they do not. */
export function lastName(items) {
  const last = (field) => {
    const entry = (items ?? []).find(
      ({ outcome, changes }) => outcome === "applied" && field in changes,
    );
    return entry?.changes[field].to ?? "";
  };
  const full = [last("first_name"), last("last_name")].filter(Boolean).join(" ");
  return full || last("company") || last("emails")?.[0]?.value || last("phones")?.[0]?.value || "";
}

/** The changes of a mutation as an entry of the history has them; what was before is not told. */
export function asEntry(changes) {
  const entries = Object.entries(changes).map(([field, to]) => {
    const set = field.endsWith("_ids") && to && !Array.isArray(to);
    return [field, set ? { from: to.remove ?? [], to: to.add ?? [] } : { from: null, to }];
  });
  return Object.fromEntries(entries);
}
