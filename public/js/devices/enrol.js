import { copyButton } from "../parts/copy_button.js";
import { html, live, nothing } from "../vendor.js";

/** Makes a new device for an agent, and shows its key this once. Whether one was made. */
export async function enrol(application) {
  const form = { agent_code: "", name: "", errors: {}, enrolled: null, sending: null };
  await application.dialogs.open({
    title: "Enrol a phone",
    body: ({ invalidate }) => fields(application, form, invalidate),
    buttons: [
      { label: "Cancel", value: false },
      {
        label: "Enrol",
        value: true,
        primary: true,
        check: () => {
          form.sending = send(application, form);
          return form.sending;
        },
      },
    ],
  });
  // Also when the dialog was left meanwhile: the key is shown now or never.
  await form.sending;
  if (!form.enrolled) return false;
  await show(application, form.enrolled);
  return true;
}

function fields({ store }, form, invalidate) {
  const error = (name) => form.errors[name]?.[0];
  const set = (name) => (event) => {
    form[name] = event.target.value;
    if (form.errors[name]) {
      delete form.errors[name];
      invalidate();
    }
  };
  return html`
    <p>The phone signs in with an id and a key of its own, which you can revoke alone.</p>
    ${error("") ? html`<p class="field-error" role="alert">${error("")}</p>` : nothing}
    <label for="enrol-agent">Agent</label>
    <select
      id="enrol-agent"
      required
      aria-invalid=${error("agent_code") ? "true" : nothing}
      aria-describedby=${error("agent_code") ? "enrol-agent-error" : nothing}
      @change=${set("agent_code")}
    >
      <option value="" .selected=${live(!form.agent_code)}>Choose who will use it</option>
      ${store
        .agents()
        .map(
          ({ code, name }) =>
            html`<option value=${code} .selected=${live(code === form.agent_code)}>${name} (${code})</option>`,
        )}
    </select>
    ${problem("enrol-agent-error", error("agent_code"))}
    <label for="enrol-name">Name of the phone <span class="muted">(optional)</span></label>
    <input
      id="enrol-name"
      maxlength="200"
      placeholder="Ann's phone"
      .value=${form.name}
      aria-invalid=${error("name") ? "true" : nothing}
      aria-describedby=${error("name") ? "enrol-name-error" : nothing}
      @input=${set("name")}
    />
    ${problem("enrol-name-error", error("name"))}
  `;
}

const problem = (id, text) =>
  text ? html`<small class="field-error" id=${id} role="alert">${text}</small>` : nothing;

/** Enrols; false keeps the dialog open, with what was wrong at its fields. */
async function send({ rest }, form) {
  if (!form.agent_code) {
    form.errors = { agent_code: ["Choose who will use the phone."] };
    return false;
  }
  try {
    const asked = { agent_code: form.agent_code, name: form.name.trim() || null };
    form.enrolled = await rest.post("/api/devices/enrol", asked);
    return true;
  } catch (error) {
    form.errors = Object.keys(error.fields ?? {}).length ? error.fields : { "": [error.message] };
    return false;
  }
}

/** The id and the key, to be put into the phone; closed only by saying that one has them. */
function show({ dialogs, toasts }, { device, api_key }) {
  return dialogs.open({
    title: `${device.name || "The phone"} is enrolled`,
    body: () => html`
      <p>
        Put both into the phone now. <strong>The key is shown only this once</strong>; if it is lost,
        revoke the device and enrol the phone again.
      </p>
      ${secret("Device id", device.id, "enrolled-id", toasts)}
      ${secret("API key", api_key, "enrolled-key", toasts)}
    `,
    buttons: [{ label: "Done", value: true, primary: true }],
  });
}

const secret = (label, value, id, toasts) => html`
  <label for=${id}>${label}</label>
  <div class="secret">
    <input id=${id} readonly .value=${value} @focus=${(event) => event.target.select()} />
    ${copyButton(value, `Copy the ${label.toLowerCase().replace("api", "API")}`, toasts)}
  </div>
`;
