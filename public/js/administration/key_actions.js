import { html } from "../vendor.js";
import { field, formError, sent, textField } from "./field.js";
import { showKey } from "./shown_key.js";

/**
 * Makes a key for one of `agents` (`{id, code, name}`) and shows it this once; `chosen` is an id.
 *
 * Whether one was made.
 */
export async function makeKey(application, agents, chosen) {
  const form = { agent_id: chosen, name: "", errors: {}, made: null, sending: null };
  await application.dialogs.open({
    title: "New key",
    body: () => html`
      ${formError(form.errors)} ${whose(form, agents)}
      ${textField({
        id: "key-name",
        label: "Name",
        help: "Where it will be used, so that one knows later: “Ann's tablet”, “Newsletter program”.",
        errors: form.errors.name,
        most: 100,
        value: form.name,
        change: (text) => {
          form.name = text;
        },
      })}
    `,
    buttons: [
      { label: "Cancel", value: false },
      {
        label: "Make the key",
        value: true,
        primary: true,
        check: () => (form.sending = send(application, form)),
      },
    ],
  });
  // Whoever closes it while the server is at it still needs the key.
  await form.sending;
  if (!form.made) return false;
  const agentName = agents.find(({ id }) => id === form.made.key.agent_id).name;
  await showKey(application, { apiKey: form.made.api_key, agentName, keyName: form.made.key.name });
  return true;
}

function whose(form, agents) {
  if (agents.length === 1) return html`<p>For ${agents[0].name} (${agents[0].code}).</p>`;
  return field({
    id: "key-agent",
    label: "Agent",
    errors: form.errors.agent_id,
    control: ({ id, describedby, invalid }) => html`
      <select
        id=${id}
        aria-describedby=${describedby}
        aria-invalid=${invalid}
        @change=${({ target }) => {
          form.agent_id = target.value;
        }}
      >
        ${agents.map(
          (agent) => html`
            <option value=${agent.id} ?selected=${agent.id === form.agent_id}>${agent.name} (${agent.code})</option>
          `,
        )}
      </select>
    `,
  });
}

function send({ rest }, form) {
  const { agent_id } = form;
  const name = form.name.trim();
  return sent(form, ["agent_id", "name"], async () => {
    form.made = await rest.post("/api/auth/keys", name ? { agent_id, name } : { agent_id });
  });
}

/** Ends a key after asking; whether it did. One's own signs out. `whose` is its agent's name. */
export async function revokeKey(application, key, whose) {
  const { dialogs, rest, session, toasts } = application;
  const own = key.id === session.keyId;
  if (!(await dialogs.confirm(question(key, whose, own)))) return false;
  try {
    await rest.delete(`/api/auth/keys/${key.id}`);
  } catch (error) {
    toasts.error(error);
    return false;
  }
  if (own) application.signOut("You revoked the key you were signed in with. Use another one.");
  else toasts.show(`The key ${nameOfKey(key)} is revoked.`, { kind: "success" });
  return true;
}

/** How a key is called: its name, else its first characters. */
export const nameOfKey = (key) => (key.name ? `“${key.name}”` : `${key.prefix}…`);

function question(key, whose, own) {
  const known = `Whoever uses ${nameOfKey(key)} of ${whose} is cut off within seconds. It can't be taken back.`;
  return {
    title: own ? "Revoke the key you are signed in with?" : `Revoke ${nameOfKey(key)}?`,
    text: own
      ? `You are signed out here and wherever else you use it. Have another key at hand, or an admin who makes you one. ${known}`
      : known,
    action: "Revoke",
    danger: true,
  };
}
