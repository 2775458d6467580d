import { timeAgo } from "../core/times.js";
import { icon } from "../parts/icon.js";
import { html, nothing } from "../vendor.js";
import { CHANNELS, CONSENTS, LINES, LISTS, SETS } from "./fields.js";
import { clashOf, fieldName, selectField, textField } from "./inputs.js";
import { customFields, listField } from "./item_fields.js";
import { LabelPicker } from "./label_picker.js";

/**
 * The form of a contact: `template()`, and what its controls do to the editor.
 *
 * `save()`, `cancel()` and `restore()` are the page's; `invalidate()` shows it anew with the next
 * frame, `show()` at once.
 */
export class EditForm {
  constructor(application, editor, { save, cancel, restore, invalidate, show }) {
    const { store } = application;
    this.store = store;
    this.editor = editor;
    this.page = { save, cancel, restore };
    this.show = show;
    this.view = { store, choose: (name, whose) => this.#choose(name, whose) };
    this.pickers = SETS.map(
      (set) =>
        new LabelPicker(store, set, {
          ids: () => editor.form[set.name],
          choose: (ids) => editor.setIds(set.name, ids),
          changed: invalidate,
          announce: (text) => application.announce(text),
        }),
    );
  }

  /** `heading` is of `headingsFor`, `name` the contact's; `deletedBy` says who deleted it meanwhile. */
  template({ heading, name, deletedBy = null }) {
    const { editor } = this;
    return html`
      <form
        class="contact-form"
        novalidate
        autocomplete="off"
        aria-label=${editor.isNew ? "New contact" : "Edit the contact"}
        @submit=${this.#submitted}
        @input=${this.#input}
        @focusout=${this.#left}
        @keydown=${this.#pressed}
      >
        ${heading(1, editor.isNew ? "New contact" : `Edit ${name || "the contact"}`)}
        ${deletedBy ? this.#deleted(deletedBy) : nothing} ${this.#news()} ${this.#refusal()}
        <div class="contact-columns">${LINES.slice(0, 5).map((line) => this.#line(line))}</div>
        ${LISTS.map((list) => listField(this, list))}
        <fieldset>
          <legend>Labels</legend>
          <div class="contact-columns">
            ${this.pickers.map((picker) => picker.template(editor.faultAt(picker.name)))}
          </div>
        </fieldset>
        <fieldset>
          <legend>More</legend>
          <div class="contact-columns">
            ${this.#owner()} ${this.#active()}
            ${textField(editor, "birthday", editor.form.birthday, { label: "Birthday", help: "1985-04-12, or --04-12 without the year" }, this.view)}
            ${this.#line(LINES[5])}
            ${textField(editor, "notes", editor.form.notes, { label: "Notes", lines: true, rows: 4, wide: true }, this.view)}
          </div>
        </fieldset>
        ${customFields(this)} ${this.#preferences()}
        <div class="contact-save">
          <button type="submit" aria-busy=${editor.busy ? "true" : nothing}>Save</button>
          <button type="button" class="secondary" @click=${this.page.cancel}>Cancel</button>
          ${this.#count()}
        </div>
      </form>
    `;
  }

  #line({ name, label }) {
    return textField(this.editor, name, this.editor.form[name], { label }, this.view);
  }

  #owner() {
    const { form } = this.editor;
    const agents = this.store
      .agents()
      .filter(({ id, disabled }) => !disabled || id === form.owner_id)
      .map(({ id, name }) => [id, name]);
    const known = !form.owner_id || agents.some(([id]) => id === form.owner_id);
    const options = [["", "Nobody"], ...agents, ...(known ? [] : [[form.owner_id, "Somebody"]])];
    return selectField(
      this.editor,
      "owner_id",
      form.owner_id,
      { label: "Owner", options },
      this.view,
    );
  }

  #active() {
    const options = [
      ["true", "Active"],
      ["false", "Not active"],
    ];
    const value = String(this.editor.form.active);
    return selectField(this.editor, "active", value, { label: "State", options }, this.view);
  }

  #preferences() {
    const options = [["", "Not known"], ...Object.entries(CONSENTS)];
    return html`
      <fieldset>
        <legend>May be reached</legend>
        <div class="contact-columns contact-columns-three">
          ${CHANNELS.map(({ name, label }) =>
            selectField(
              this.editor,
              `preferences.${name}`,
              this.editor.form.preferences[name],
              { label, options },
              this.view,
            ),
          )}
        </div>
      </fieldset>
    `;
  }

  #news() {
    const { taken } = this.editor;
    if (!taken) return nothing;
    const who = taken.by ? this.store.agentName(taken.by) : "Somebody";
    const names = taken.names.map((name) => fieldName(name, this.store)).join(", ");
    return html`<p class="notice" data-test="taken">${who} changed ${names}, ${timeAgo(taken.at)}. The form has the new values.</p>`;
  }

  #deleted(deletedBy) {
    return html`
      <div class="notice contact-notice" data-test="deleted-meanwhile">
        <span>${deletedBy} meanwhile. Restore it to save your edit.</span>
        <button type="button" class="secondary" @click=${this.page.restore}>Restore</button>
      </div>
    `;
  }

  #refusal() {
    const { editor } = this;
    const texts = [
      editor.refusal?.message,
      ...editor.strayFaults,
      editor.faultAt("identity"),
      editor.faultAt("whole"),
    ];
    const said = [...new Set(texts.filter(Boolean))];
    return html`<div role="alert">${said.map((text) => html`<p class="contact-refusal" data-test="refusal">${icon("error")}<span>${text}</span></p>`)}</div>`;
  }

  #count() {
    const { editor } = this;
    const faults = editor.submitted ? editor.faults.size : 0;
    const open = editor.clashes.size;
    if (open)
      return html`<span class="field-error">${open === 1 ? "One field" : `${open} fields`} to choose a value of</span>`;
    if (faults)
      return html`<span class="field-error">${faults === 1 ? "One field" : `${faults} fields`} to mend</span>`;
    return nothing;
  }

  /** The clash of a field that has no control of its own name. */
  clash(name) {
    return clashOf(this.editor, name, this.view);
  }

  #submitted = (event) => {
    event.preventDefault();
    this.page.save();
  };

  #input = ({ target }) => {
    if (!target.name) return;
    const value = target.name === "active" ? target.value === "true" : target.value;
    this.editor.input(target.name, value);
  };

  #left = ({ target, relatedTarget }) => {
    // Whoever leaves an empty field by Cancel need not hear what it lacks.
    if (target.name && relatedTarget?.closest("form") === target.form)
      this.editor.touch(target.name);
  };

  #pressed = (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.page.cancel();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.page.save();
    }
  };

  #choose(name, whose) {
    this.editor.choose(name, whose);
  }
}
