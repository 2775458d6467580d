import { icon } from "../parts/icon.js";
import { html } from "../vendor.js";
import { makeKey, revokeKey } from "./key_actions.js";
import { keysTable } from "./keys_table.js";
import { keysShown } from "./people.js";
import { Section } from "./section.js";

/** `#/keys`: one's own keys, for everybody; `?revoked=true` shows also those that ended. */
export default class OwnKeysView extends Section {
  title = "Your keys";
  #keys = [];
  #revoked = false;

  routed({ query }) {
    this.#revoked = query.revoked === "true";
    this.invalidate();
  }

  async read() {
    const { rest, session } = this.application;
    this.#keys = await rest.all("/api/auth/keys", { agent_id: session.agent.id });
  }

  head() {
    return html`<button type="button" @click=${this.#make}>${icon("add")} New key</button>`;
  }

  content() {
    const { session, router, store } = this.application;
    const keys = keysShown(this.#keys, { revoked: this.#revoked });
    return html`
      <p class="muted">
        Each key lets in as ${session.agent.name}. Use one of its own for each computer and program, so that
        it can be revoked alone; phones get theirs when they are enrolled.
      </p>
      <div class="list-tools">
        <label class="check">
          <input
            type="checkbox"
            .checked=${this.#revoked}
            @change=${({ target }) => router.replace(target.checked ? { revoked: "true" } : {})}
          />
          Show revoked keys
        </label>
      </div>
      ${keysTable(keys, {
        nameOf: (id) => store.agentName(id),
        whose: false,
        own: session.keyId,
        revoke: (key) => this.#revoke(key),
      })}
    `;
  }

  async #make() {
    const { agent } = this.application.session;
    if (await makeKey(this.application, [agent], agent.id)) await this.load();
  }

  async #revoke(key) {
    const { agent } = this.application.session;
    if (!(await revokeKey(this.application, key, agent.name))) return;
    await this.reload();
  }
}
