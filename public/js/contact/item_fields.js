import { icon } from "../parts/icon.js";
import { html, repeat } from "../vendor.js";
import { faultText, idOf, selectField, textField } from "./inputs.js";
import { oneLine } from "./texts.js";

const KINDS = [
  ["text", "Text"],
  ["number", "Number"],
  ["flag", "Yes or no"],
];
const FLAGS = [
  ["", "–"],
  ["true", "Yes"],
  ["false", "No"],
];

/** A list of a contact: its items, each with its parts, and a button for one more. */
export function listField(form, list) {
  const { editor } = form;
  const { name, label, one, labels } = list;
  const fresh = editor.taken?.names.includes(name) ? "contact-field-fresh" : "";
  return html`
    <fieldset class="contact-list ${fresh}" data-test=${`list-${name}`}>
      <legend>${label}</legend>
      <datalist id=${`labels-of-${name}`}>${labels.map((each) => html`<option value=${each}></option>`)}</datalist>
      ${repeat(
        editor.form[name],
        ({ key }) => key,
        (item, at) => itemFields(form, list, item, at),
      )}
      ${faultText(editor.faultAt(name), `${idOf(name)}-fault`)} ${form.clash(name)}
      ${addButton(form, name, `Add ${/^[aeiou]/.test(one) ? "an" : "a"} ${one}`)}
    </fieldset>
  `;
}

function itemFields(form, { name, one, parts }, item, at) {
  const { editor } = form;
  return html`
    <fieldset class="contact-item" aria-label=${`${one} ${at + 1}`}><div class="contact-parts contact-parts-${name}">
      ${parts.map((part) =>
        textField(editor, `${name}.${at}.${part.name}`, item[part.name], {
          ...part,
          suggestions: part.name === "label" ? `labels-of-${name}` : undefined,
        }),
      )}
      </div>${removeButton(form, name, at, `Remove ${one} ${at + 1}`)}</fieldset>
  `;
}

/** The company's own fields: a name, a kind and a value each. */
export function customFields(form) {
  const { editor } = form;
  const rows = editor.form.custom;
  const clashes = [...editor.clashes.keys()].filter((name) => name.startsWith("custom."));
  return html`
    <fieldset class="contact-list" data-test="list-custom">
      <legend>Custom fields</legend>
      ${repeat(
        rows,
        ({ key }) => key,
        (row, at) => customFieldsOf(form, row, at),
      )}
      ${faultText(editor.faultAt("custom"), `${idOf("custom")}-fault`)}
      ${clashes.map((name) => form.clash(name))} ${addButton(form, "custom", "Add a custom field")}
    </fieldset>
  `;
}

function customFieldsOf(form, row, at) {
  const { editor } = form;
  const path = `custom.${at}`;
  const value = { label: "Value", wide: false };
  return html`
    <fieldset class="contact-item" aria-label=${`custom field ${oneLine(row.name) || at + 1}`}><div class="contact-parts contact-parts-custom">
      ${textField(editor, `${path}.name`, row.name, { label: "Name" })}
      ${selectField(editor, `${path}.kind`, row.kind, { label: "Kind", options: KINDS })}
      ${
        row.kind === "flag"
          ? selectField(editor, `${path}.value`, row.value, { ...value, options: FLAGS })
          : textField(editor, `${path}.value`, row.value, {
              ...value,
              lines: row.kind === "text" && row.value.length > 60,
              type: row.kind === "number" ? "decimal" : "text",
            })
      }
      </div>${removeButton(form, "custom", at, `Remove custom field ${oneLine(row.name) || at + 1}`)}</fieldset>
  `;
}

const addButton = (form, name, text) => html`
  <button
    type="button"
    class="quiet contact-add"
    @click=${(event) => {
      if (!form.editor.add(name)) return;
      form.show();
      const items = event.target.closest(".contact-list").querySelectorAll(".contact-item");
      items[items.length - 1].querySelector("input, textarea").focus();
    }}
  >
    ${icon("add")}${text}
  </button>
`;

const removeButton = (form, name, at, text) => html`
  <button
    type="button"
    class="icon-button contact-remove"
    aria-label=${text}
    @click=${(event) => {
      const fieldset = event.currentTarget.closest(".contact-list");
      form.editor.remove(name, at);
      // The button is gone with its item; the one that adds is the nearest that stays.
      fieldset.querySelector(".contact-add").focus();
    }}
  >
    ${icon("trash")}
  </button>
`;
