import { formatDay, formatTime, timeAgo } from "../core/times.js";
import { html, nothing, repeat } from "../vendor.js";
import { nameOfKey } from "./key_actions.js";
import { lastUse } from "./people.js";

/**
 * Keys as a table. `nameOf(id)` names an agent; `whose` shows the column of whom they are; `own` is the
 * id of the key that one is signed in with; `revoke(key)` is what the button does.
 */
export function keysTable(keys, { nameOf, whose, own, revoke }) {
  return html`
    <div class="table-box">
      <table class="cards" data-test="keys">
        <thead>
          <tr>
            <th scope="col">Name</th>
            ${whose ? html`<th scope="col">Whose</th>` : nothing}
            <th scope="col">Begins with</th>
            <th scope="col">Made</th>
            <th scope="col">Last used</th>
            <th scope="col">State</th>
            <th scope="col"><span class="visually-hidden">Actions</span></th>
          </tr>
        </thead>
        <tbody>
          ${repeat(
            keys,
            (key) => key.id,
            (key) => html`
              <tr class=${key.revoked_at ? "faded" : ""}>
                <th scope="row" class="cards-title">
                  ${key.name || html`<span class="muted">no name</span>`}
                </th>
                ${whose ? html`<td data-label="Whose" class="wraps">${nameOf(key.agent_id)}</td>` : nothing}
                <td data-label="Begins with"><code>${key.prefix}…</code></td>
                <td data-label="Made" title=${formatTime(key.created_at)}>
                  ${formatDay(key.created_at)}${
                    key.created_by && key.created_by !== key.agent_id
                      ? ` by ${nameOf(key.created_by)}`
                      : nothing
                  }
                </td>
                <td data-label="Last used" title=${formatTime(key.last_used_at)}>
                  ${lastUse(key.last_used_at, timeAgo)}
                </td>
                <td data-label="State">${state(key, own)}</td>
                <td class="row-actions">
                  ${
                    key.revoked_at
                      ? nothing
                      : html`<button
                          type="button"
                          class="secondary"
                          aria-label="Revoke ${nameOfKey(key)}"
                          @click=${() => revoke(key)}
                        >
                          Revoke
                        </button>`
                  }
                </td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}

function state(key, own) {
  if (key.revoked_at) {
    return html`<span class="badge badge-bad" title=${formatTime(key.revoked_at)}>Revoked ${timeAgo(key.revoked_at)}</span>`;
  }
  if (key.id === own) return html`<span class="badge badge-accent">Signed in with</span>`;
  return html`<span class="badge badge-good">Valid</span>`;
}
