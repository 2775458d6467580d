import { icon } from "../parts/icon.js";
import { nothingFound } from "../parts/states.js";
import { html } from "../vendor.js";
import { makeKey, revokeKey } from "./key_actions.js";
import { keysTable } from "./keys_table.js";
import { keysShown } from "./people.js";
import { Section } from "./section.js";

/** Everybody's keys; `?agent=ID` shows one agent's, `?revoked=true` also those that ended. */
export class KeysSection extends Section {
  title = "API keys";
  #agents = [];
  #keys = [];
  #query = {};

  routed({ query }) {
    this.#query = query;
    this.invalidate();
  }

  async read() {
    const { rest } = this.application;
    [this.#agents, this.#keys] = await Promise.all([
      rest.all("/api/auth/agents"),
      rest.all("/api/auth/keys"),
    ]);
  }

  head() {
    return html`<button type="button" @click=${this.#make}>${icon("add")} New key</button>`;
  }

  content() {
    const { agent } = this.#query;
    const keys = keysShown(this.#keys, { agent, revoked: this.#withRevoked });
    return html`
      <div class="list-tools">
        <label for="keys-agent">Agent</label>
        <select id="keys-agent" @change=${({ target }) => this.#filter({ agent: target.value })}>
          <option value="" ?selected=${!agent}>Everybody</option>
          ${this.#agents.map(
            ({ id, name, code }) =>
              html`<option value=${id} ?selected=${id === agent}>${name} (${code})</option>`,
          )}
        </select>
        <label class="check">
          <input
            type="checkbox"
            .checked=${this.#withRevoked}
            @change=${({ target }) => this.#filter({ revoked: target.checked ? "true" : "" })}
          />
          Show revoked keys
        </label>
      </div>
      ${
        keys.length
          ? keysTable(keys, {
              nameOf: (id) => this.#nameOf(id),
              whose: true,
              own: this.application.session.keyId,
              revoke: (key) => this.#revoke(key),
            })
          : nothingFound(
              "No key that can be used.",
              agent ? () => this.#filter({ agent: "" }) : null,
            )
      }
    `;
  }

  get #withRevoked() {
    return this.#query.revoked === "true";
  }

  #filter(change) {
    this.application.router.replace({ ...this.#query, ...change });
  }

  #nameOf(id) {
    return this.#agents.find((agent) => agent.id === id)?.name ?? "somebody";
  }

  async #make() {
    const { session } = this.application;
    const able = this.#agents.filter(({ disabled }) => !disabled);
    const wanted = able.some(({ id }) => id === this.#query.agent);
    const chosen = wanted ? this.#query.agent : session.agent.id;
    if (await makeKey(this.application, able, chosen)) await this.load();
  }

  async #revoke(key) {
    if (!(await revokeKey(this.application, key, this.#nameOf(key.agent_id)))) return;
    await this.reload();
  }
}
