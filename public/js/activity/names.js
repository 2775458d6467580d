/** The names of the agents and devices of which entries tell, also of those that are new. */
export class Names {
  #devices = new Map();
  #asked = new Set();

  /** `changed()` is called when there are more names. */
  constructor({ rest, store, toasts }, changed) {
    this.rest = rest;
    this.store = store;
    this.toasts = toasts;
    this.changed = changed;
  }

  /** The devices to choose from: `[[id, name]]`. */
  devices() {
    return [...this.#devices.values()].map(({ id, name, agent }) => [
      id,
      `${name || id} (${agent.name})`,
    ]);
  }

  /** A device's name, else its model, else its id. */
  device = (id) => {
    const device = this.#devices.get(id);
    return device?.name || device?.model || id;
  };

  /** Asks for whoever and whatever is in the entries and not known, each once. */
  learn(entries) {
    const agents = entries.map(({ agent }) => agent);
    if (this.#strange(agents, (id) => this.store.agent(id))) {
      this.#try(() => this.store.loadAgents());
    }
    const devices = entries.flatMap(({ device, entity, entity_id }) => [
      device,
      entity === "device" ? entity_id : null,
    ]);
    if (this.#strange(devices, (id) => this.#devices.has(id))) this.readDevices();
  }

  readDevices() {
    return this.#try(async () => {
      const devices = await this.rest.all("/api/devices");
      this.#devices = new Map(devices.map((device) => [device.id, device]));
      this.changed();
    });
  }

  #strange(ids, known) {
    const unknown = ids.filter((id) => id && !known(id) && !this.#asked.has(id));
    for (const id of unknown) this.#asked.add(id);
    return unknown.length > 0;
  }

  /** Without names entries have ids, until the next new one. */
  async #try(read) {
    try {
      await read();
    } catch (error) {
      if (!error.passing) this.toasts.error(error);
    }
  }
}
