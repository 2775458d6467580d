import { labelOf } from "../parts/changes.js";
import { icon } from "../parts/icon.js";
import { html, nothing, repeat } from "../vendor.js";
import { KINDS, newStep, PERMISSIONS } from "./bulk_changes.js";

/**
 * The form of a bulk edit: its steps, each what to change and the value. `form` is `{steps, faults}`;
 * `changed()` shows it anew.
 */
export function stepsForm(form, store, changed) {
  const { steps } = form;
  return html`
    ${repeat(
      steps,
      (step) => step,
      (step, at) => stepRow(step, at, form, store, changed),
    )}
    <button
      type="button"
      class="quiet"
      @click=${() => {
        steps.push(newStep());
        changed();
      }}
    >
      ${icon("add")} Another change
    </button>
  `;
}

function stepRow(step, at, { steps, faults }, store, changed) {
  const fault = faults[at];
  const choose = ({ target }) => {
    Object.assign(step, newStep(target.value));
    delete faults[at];
    changed();
  };
  return html`
    <fieldset class="bulk-step">
      <legend class="visually-hidden">Change ${at + 1}</legend>
      <label>
        What to change
        <select name="kind" @change=${choose}>
          ${Object.entries(KINDS).map(
            ([kind, { title }]) =>
              html`<option value=${kind} .selected=${kind === step.kind}>${title}</option>`,
          )}
        </select>
      </label>
      ${INPUTS[KINDS[step.kind].input](step, store)}
      ${
        steps.length > 1
          ? html`<button
              type="button"
              class="icon-button"
              aria-label="Remove change ${at + 1}"
              @click=${() => {
                steps.splice(at, 1);
                faults.splice(at, 1);
                changed();
              }}
            >
              ${icon("close")}
            </button>`
          : nothing
      }
      ${fault ? html`<p class="field-error" role="alert">${fault}</p>` : nothing}
    </fieldset>
  `;
}

const INPUTS = {
  label(step, store) {
    const { entity } = KINDS[step.kind];
    const options = store.labels(entity).map(({ id, name }) => [id, name]);
    const none = options.length ? "Choose…" : `There is no ${entity} yet`;
    return selectInput(labelOf(entity), step, [["", none], ...options]);
  },
  agent: (step, store) =>
    selectInput("Owner", step, [
      ["", "Nobody"],
      ...store.agents().map(({ id, name }) => [id, name]),
    ]),
  flag: (step) =>
    selectInput("Active", step, [
      ["true", "Yes"],
      ["false", "No"],
    ]),
  permission: (step) => selectInput("Is", step, Object.entries(PERMISSIONS)),
  text: (step) => textInput("New value; empty to clear it", step, "value"),
  custom: (step) =>
    html`${textInput("Name of the field", step, "name")} ${textInput("New value; empty to clear it", step, "value")}`,
};

const selectInput = (title, step, options) => html`
  <label>
    ${title}
    <select
      name="value"
      @change=${({ target }) => {
        step.value = target.value;
      }}
    >
      ${options.map(([value, text]) => html`<option value=${value} .selected=${value === step.value}>${text}</option>`)}
    </select>
  </label>
`;

const textInput = (title, step, part) => html`
  <label>
    ${title}
    <input
      name=${part}
      autocomplete="off"
      .value=${step[part]}
      @input=${({ target }) => {
        step[part] = target.value;
      }}
    />
  </label>
`;
