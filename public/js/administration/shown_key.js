import { copyButton } from "../parts/copy_button.js";
import { html } from "../vendor.js";

/** Shows a new key, this once, until somebody says that they have it: Escape alone does not close it. */
export async function showKey({ dialogs, toasts }, { apiKey, agentName, keyName }) {
  let value = null;
  while (value === null) {
    value = await dialogs.open({
      title: keyName ? `A new key for ${agentName}: ${keyName}` : `A new key for ${agentName}`,
      body: () => html`
        <p>
          Copy it now and hand it over by a safe way. <strong>It will not be shown again</strong>; if it is
          lost, revoke it and make another one.
        </p>
        <label for="shown-key">API key</label>
        <div class="shown-key">
          <input
            id="shown-key"
            readonly
            autocomplete="off"
            spellcheck="false"
            .value=${apiKey}
            @focus=${(event) => event.target.select()}
          />
          ${copyButton(apiKey, "Copy the API key", toasts)}
        </div>
      `,
      buttons: [{ label: "I have it", value: true, primary: true }],
    });
  }
}
