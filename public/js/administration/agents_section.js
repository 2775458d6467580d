import { formatTime, plural, timeAgo } from "../core/times.js";
import { icon } from "../parts/icon.js";
import { html, nothing, repeat } from "../vendor.js";
import { changeAgent, makeAgent } from "./agent_dialogs.js";
import { makeKey } from "./key_actions.js";
import { lastUse, roleLabel, withKeys } from "./people.js";
import { Section } from "./section.js";
import { showKey } from "./shown_key.js";

/** Who may sign in: made, renamed, given a role, disabled. */
export class AgentsSection extends Section {
  title = "Agents";
  #agents = [];

  async read() {
    const { rest } = this.application;
    const [agents, keys] = await Promise.all([
      rest.all("/api/auth/agents"),
      rest.all("/api/auth/keys"),
    ]);
    this.#agents = withKeys(agents, keys);
  }

  head() {
    return html`<button type="button" @click=${this.#make}>${icon("add")} New agent</button>`;
  }

  content() {
    return html`
      <div class="table-box">
        <table class="cards" data-test="agents">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Code</th>
              <th scope="col">Role</th>
              <th scope="col">State</th>
              <th scope="col">Keys</th>
              <th scope="col">Last used</th>
              <th scope="col"><span class="visually-hidden">Actions</span></th>
            </tr>
          </thead>
          <tbody>
            ${repeat(
              this.#agents,
              (agent) => agent.id,
              (agent) => this.#row(agent),
            )}
          </tbody>
        </table>
      </div>
    `;
  }

  #row(agent) {
    const { router } = this.application;
    return html`
      <tr class=${agent.disabled ? "faded" : ""}>
        <th scope="row" class="cards-title">
          ${agent.name}${this.#isSelf(agent) ? html` <span class="badge">you</span>` : nothing}
        </th>
        <td data-label="Code">${agent.code}</td>
        <td data-label="Role">${roleLabel(agent.role)}</td>
        <td data-label="State">
          ${
            agent.disabled
              ? html`<span class="badge badge-bad">Disabled</span>`
              : html`<span class="badge badge-good">Active</span>`
          }
        </td>
        <td data-label="Keys">
          <a href=${router.href("/administration/keys", { agent: agent.id })}>${plural(agent.keys, "key")}</a>
        </td>
        <td data-label="Last used" title=${formatTime(agent.lastUsed)}>${lastUse(agent.lastUsed, timeAgo)}</td>
        <td class="row-actions">
          <button type="button" class="secondary" aria-label="Change ${agent.name}" @click=${() => this.#change(agent)}>
            Change
          </button>
          <button
            type="button"
            class="secondary"
            aria-label="New key for ${agent.name}"
            ?disabled=${agent.disabled}
            @click=${() => this.#newKey(agent)}
          >
            New key
          </button>
          <button
            type="button"
            class="secondary"
            aria-label="${agent.disabled ? "Enable" : "Disable"} ${agent.name}"
            @click=${() => this.#toggle(agent)}
          >
            ${agent.disabled ? "Enable" : "Disable"}
          </button>
        </td>
      </tr>
    `;
  }

  async #make() {
    const made = await makeAgent(this.application);
    if (!made) return;
    await showKey(this.application, { apiKey: made.api_key, agentName: made.agent.name });
    await this.#changed();
  }

  async #change(agent) {
    const self = this.#isSelf(agent);
    const changed = await changeAgent(this.application, agent, self);
    if (!changed) return;
    // What one may see depends on the role, on every page.
    if (self && changed.role !== agent.role) location.reload();
    else await this.#changed(`${changed.name} is saved.`);
  }

  async #newKey(agent) {
    if (await makeKey(this.application, [agent], agent.id)) await this.load();
  }

  async #toggle(agent) {
    const { dialogs, rest, toasts } = this.application;
    const disabled = !agent.disabled;
    if (!(await dialogs.confirm(disabled ? this.#disabling(agent) : enabling(agent)))) return;
    try {
      await rest.patch(`/api/auth/agents/${agent.id}`, { disabled });
    } catch (error) {
      toasts.error(error);
      return;
    }
    await this.#changed(`${agent.name} is ${disabled ? "disabled" : "enabled"}.`);
  }

  #disabling(agent) {
    const who = this.#isSelf(agent) ? "This is you: you are" : `${agent.name} is`;
    return {
      title: `Disable ${agent.name}?`,
      text: `${who} signed out on every device within seconds, and no key of theirs works until an admin enables them again. Their contacts and all they did stay.`,
      action: "Disable",
      danger: true,
    };
  }

  #isSelf(agent) {
    return agent.id === this.application.session.agent?.id;
  }

  async #changed(text = null) {
    const { rest, session, store, toasts } = this.application;
    if (!session.agent) return;
    try {
      // Names are shown by every view, one's own in the bar.
      await Promise.all([this.load(), store.loadAgents(), session.verify(rest)]);
    } catch (error) {
      toasts.error(error);
      return;
    }
    if (text) toasts.show(text, { kind: "success" });
  }
}

const enabling = (agent) => ({
  title: `Enable ${agent.name}?`,
  text: `${agent.name} may sign in again, with ${plural(agent.keys, "key")} that ${agent.keys === 1 ? "is" : "are"} not revoked.`,
  action: "Enable",
});
