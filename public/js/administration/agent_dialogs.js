import { html, nothing } from "../vendor.js";
import { choice, formError, sent, textField } from "./field.js";
import { changesOf, codeFor, ROLES } from "./people.js";

const OPTIONS = ROLES.map(({ role, label, what }) => ({ value: role, label, what }));

/** Makes an agent: what the server answered, `{agent, api_key, key_id}`, or null. */
export async function makeAgent({ dialogs, rest }) {
  const form = {
    name: "",
    code: "",
    role: "agent",
    codeTyped: false,
    errors: {},
    made: null,
    sending: null,
  };
  const send = async () => {
    const asked = { agent_name: form.name.trim(), agent_code: form.code.trim(), role: form.role };
    return sent(form, ["agent_name", "agent_code", "role"], async () => {
      form.made = await rest.post("/api/auth/register", asked);
    });
  };
  await dialogs.open({
    title: "New agent",
    body: ({ invalidate }) => html`
      ${formError(form.errors)} ${nameField(form, "agent_name", invalidate)}
      ${textField({
        id: "agent-code",
        label: "Code",
        help: "Short and unique, for files and phones: letters, digits and . _ @ -. It stays as it is.",
        errors: form.errors.agent_code,
        most: 64,
        exact: true,
        value: form.code,
        change: (text) => {
          form.code = text;
          form.codeTyped = true;
        },
      })}
      ${roleChoice(form, invalidate)}
    `,
    buttons: [
      { label: "Cancel", value: false },
      { label: "Make the agent", value: true, primary: true, check: () => (form.sending = send()) },
    ],
  });
  // Whoever closes it while the server is at it still needs the key.
  await form.sending;
  return form.made;
}

/** Changes an agent's name or role: the agent as it is then, or null. `self`: it is the asker's own. */
export async function changeAgent({ dialogs, rest }, agent, self) {
  const form = { name: agent.name, role: agent.role, errors: {}, changed: null };
  const send = () => {
    const changes = changesOf(agent, form);
    if (!changes) return true;
    return sent(form, ["name", "role"], async () => {
      form.changed = await rest.patch(`/api/auth/agents/${agent.id}`, changes);
    });
  };
  await dialogs.open({
    title: `Change ${agent.name}`,
    body: ({ invalidate }) => html`
      ${formError(form.errors)} ${nameField(form, "name", invalidate)} ${roleChoice(form, invalidate)}
      ${
        self && agent.role === "admin" && form.role !== "admin"
          ? html`<p class="notice" role="status">
              This is you. Without the role of an admin you can't come back to this page.
            </p>`
          : nothing
      }
    `,
    buttons: [
      { label: "Cancel", value: false },
      { label: "Save", value: true, primary: true, check: send },
    ],
  });
  return form.changed;
}

function nameField(form, name, invalidate) {
  return textField({
    id: "agent-name",
    label: "Name",
    errors: form.errors[name],
    most: 200,
    value: form.name,
    change: (text) => {
      form.name = text;
      if (form.codeTyped === false) {
        form.code = codeFor(form.name);
        invalidate();
      }
    },
  });
}

function roleChoice(form, invalidate) {
  return choice({
    name: "agent-role",
    legend: "Role",
    options: OPTIONS,
    value: form.role,
    errors: form.errors.role,
    change: (role) => {
      form.role = role;
      invalidate();
    },
  });
}
