import { FIELD_LABELS } from "../core/entities.js";
import { timeAgo } from "../core/times.js";
import { CHANNELS, describeItem, describeValue, labelOf } from "../parts/changes.js";
import { html, ifDefined, live, nothing } from "../vendor.js";
import { listOf } from "./fields.js";
import { splitName } from "./form.js";

/** The id of a field's control. */
export const idOf = (path) => `contact-${path.replaceAll(".", "-")}`;

/**
 * A labelled control with what is wrong with it and, for whole fields, what somebody else made of
 * it. `control(attributes)` is given `{id, invalid, describedBy}`.
 */
export function field(editor, path, { label, help = null, wide = false, control }, view) {
  const fault = editor.faultAt(path);
  const id = idOf(path);
  const said = [fault ? `${id}-fault` : null, help ? `${id}-help` : null].filter(Boolean).join(" ");
  const attributes = { id, invalid: fault ? "true" : nothing, describedBy: said || nothing };
  return html`
    <div class="contact-field ${wide ? "contact-field-wide" : ""} ${editor.taken?.names.includes(path) ? "contact-field-fresh" : ""}">
      <label for=${id}>${label}</label>
      ${control(attributes)}
      ${help ? html`<small id=${`${id}-help`}>${help}</small>` : nothing}
      ${faultText(fault, `${id}-fault`)}
      ${view ? clashOf(editor, path, view) : nothing}
    </div>
  `;
}

export const faultText = (fault, id) =>
  fault ? html`<p class="field-error" id=${id} data-test="fault">${fault}</p>` : nothing;

/** A text on one line, or on several. */
export function textField(editor, path, value, options, view) {
  const {
    type = "text",
    lines = false,
    rows = 2,
    suggestions,
    placeholder,
    locked = false,
  } = options;
  const control = ({ id, invalid, describedBy }) =>
    lines
      ? html`<textarea id=${id} name=${path} rows=${rows} aria-invalid=${invalid} aria-describedby=${describedBy} .value=${live(value)}></textarea>`
      : html`<input id=${id} name=${path} type="text" inputmode=${type} placeholder=${ifDefined(placeholder)} list=${ifDefined(suggestions)} ?readonly=${locked} spellcheck=${type === "text"} aria-invalid=${invalid} aria-describedby=${describedBy} .value=${live(value)} />`;
  return field(editor, path, { ...options, control }, view);
}

/** One of a few: `options` is an array of `[value, text]`. */
export function selectField(editor, path, value, { label, options, wide, help }, view) {
  const control = ({ id, invalid, describedBy }) => html`
    <select id=${id} name=${path} aria-invalid=${invalid} aria-describedby=${describedBy}>
      ${options.map(([each, text]) => html`<option value=${each} .selected=${each === value}>${text}</option>`)}
    </select>
  `;
  return field(editor, path, { label, wide, help, control }, view);
}

/** Yours and theirs of a field that both changed, to choose one; nothing where there is no clash. */
export function clashOf(editor, name, { store, choose }) {
  const clash = editor.clashes.get(name);
  if (!clash) return nothing;
  const label = fieldName(name, store);
  return html`
    <fieldset class="clash" aria-label=${`Choose a value of ${label}`} data-test="clash">
      <p>
        <strong>${clash.by ? store.agentName(clash.by) : "Somebody"}</strong> changed ${label} too,
        ${timeAgo(clash.at)}. Which one is right?
      </p>
      <dl>
        <div><dt>Yours</dt><dd>${valueLines(name, editor.mine(name), store)}</dd></div>
        <div><dt>Theirs</dt><dd>${valueLines(name, clash.theirs, store)}</dd></div>
      </dl>
      <div class="buttons">
        <button type="button" class="secondary" aria-label=${`Keep mine: ${label}`} @click=${() => choose(name, "mine")}>Keep mine</button>
        <button type="button" class="secondary" aria-label=${`Use theirs: ${label}`} @click=${() => choose(name, "theirs")}>Use theirs</button>
      </div>
    </fieldset>
  `;
}

/** What a field is called: "Company", "size" of `custom.size`, "Tag VIP" of `tag_ids.V1St…`. */
export function fieldName(name, store) {
  const [field, member] = splitName(name);
  if (member === undefined) return labelOf(field);
  if (field === "preferences") return CHANNELS[member] ?? member;
  if (field in FIELD_LABELS) {
    const entity = FIELD_LABELS[field];
    return `${labelOf(entity)} ${store.label(entity, member)?.name ?? "that was deleted"}`;
  }
  return member;
}

/** A value of a field for a person, as lines; "nothing" for none. */
export function valueLines(name, value, store) {
  const [field] = splitName(name);
  const lines = listOf(field)
    ? (value ?? []).map(describeItem)
    : [describeValue(field, value, store)].filter(Boolean);
  if (!lines.length) return html`<em>nothing</em>`;
  return lines.map((line) => html`<div class="contact-lines">${line}</div>`);
}
