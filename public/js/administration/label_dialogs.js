import { newId } from "../core/ids.js";
import { html, nothing } from "../vendor.js";
import { colourField } from "./colour_field.js";
import { errorsByField, field, formError, textField } from "./field.js";
import { categoriesOf, faultOfName, formOfLabel, KINDS, labelChanges, labelOf } from "./labels.js";

/** Makes a label of a kind; whether one was made. */
export function makeLabel(application, kind) {
  const { mutations } = application;
  return openForm(application, kind, {
    title: `New ${KINDS[kind].one}`,
    action: "Make it",
    write: (form) =>
      mutations.write(`${kind}_create`, { [kind]: { id: newId(), ...labelOf(kind, form) } }),
  });
}

/** Changes a label; whether it was changed. */
export function changeLabel(application, kind, label) {
  const { mutations } = application;
  return openForm(application, kind, {
    label,
    title: `Change “${label.name}”`,
    action: "Save",
    write: async (form) => {
      const changes = labelChanges(kind, label, form);
      if (!Object.keys(changes).length) return null;
      const edit = { id: label.id, base_version: label.version, changes };
      return mutations.write(`${kind}_update`, edit);
    },
  });
}

async function openForm(application, kind, { label = {}, title, action, write }) {
  const form = formOfLabel(kind, label);
  let errors = {};
  let ack = null;
  const send = async () => {
    const fault = faultOfName(form.name, application.store.labels(kind), label.id);
    errors = fault ? { name: [fault] } : {};
    if (fault) return false;
    try {
      ack = await write(form);
      return true;
    } catch (error) {
      errors = errorsByField(error, Object.keys(form));
      return false;
    }
  };
  const set = (name, invalidate) => (value) => {
    form[name] = value;
    delete errors[name];
    invalidate();
  };
  await application.dialogs.open({
    title,
    body: ({ invalidate }) => html`
      ${formError(errors)}
      ${textField({
        id: "label-name",
        label: "Name",
        errors: errors.name,
        most: 100,
        value: form.name,
        change: set("name", invalidate),
      })}
      ${"color" in form ? colourField(form.color, set("color", invalidate)) : nothing}
      ${"category" in form ? category(application, kind, form, errors, set("category", invalidate)) : nothing}
      ${"description" in form ? description(form, errors, set("description", invalidate)) : nothing}
    `,
    buttons: [
      { label: "Cancel", value: false },
      { label: action, value: true, primary: true, check: send },
    ],
  });
  if (ack) tell(application, kind, form, ack);
  return ack !== null;
}

function tell({ toasts, session, store }, kind, form, ack) {
  const name = form.name.trim();
  if (ack.status === "waiting") {
    toasts.show(`“${name}” is kept here, and sent when the connection is back.`);
    return;
  }
  for (const { field: changed, theirs, by } of ack.conflicts) {
    const who = by === session.agent.id ? "You, on another device," : store.agentName(by);
    toasts.show(`${who} had just set the ${changed} to “${theirs ?? ""}”. Look at it once more.`);
  }
  if (!ack.conflicts.length)
    toasts.show(`The ${KINDS[kind].one} “${name}” is saved.`, { kind: "success" });
}

function category({ store }, kind, form, errors, change) {
  return html`
    ${textField({
      id: "label-category",
      label: "Category",
      errors: errors.category,
      most: 100,
      list: "label-categories",
      value: form.category,
      change,
    })}
    <datalist id="label-categories">
      ${categoriesOf(store.labels(kind)).map((name) => html`<option value=${name}></option>`)}
    </datalist>
  `;
}

function description(form, errors, change) {
  return field({
    id: "label-description",
    label: "Description",
    errors: errors.description,
    control: ({ id, describedby, invalid }) => html`
      <textarea
        id=${id}
        rows="3"
        maxlength="1000"
        .value=${form.description}
        aria-describedby=${describedby}
        aria-invalid=${invalid}
        @input=${({ target }) => change(target.value)}
      ></textarea>
    `,
  });
}
