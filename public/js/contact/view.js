import { View } from "../app/view.js";
import { Actions } from "./actions.js";
import { EditForm } from "./edit_form.js";
import { Editor } from "./editor.js";
import { ContactHistory, lastChange } from "./history.js";
import { fieldName } from "./inputs.js";
import { page } from "./pages.js";

/** A contact's page: to read, edit, delete and restore it, and all that was done to it. */
export default class ContactView extends View {
  id = null;
  query = {};
  /** The contact as to be shown, or as it last was. */
  contact = null;
  /** "loading", "shown", "deleted", "missing" or "failed". */
  state = "loading";
  error = null;
  /** The form, while one edits. */
  form = null;
  draft = null;
  history = null;
  #arrived = null;
  /** What an edit met that had waited: conflicts that nobody has looked at yet. */
  conflicts = [];

  opened() {
    const { connection, drafts, mutations, shortcuts, store } = this.application;
    this.actions = new Actions(this);
    this.wide = matchMedia("(min-width: 1100px)");
    this.listen(this.wide, "change", this.invalidate);
    this.listen(store, "changed", this.#stored);
    this.listen(store, "stale", () => this.load());
    this.listen(connection, "state", this.#connected);
    this.listen(mutations, "conflicted", this.#conflicted);
    // What was lost or refused is in the history, too, though nothing changed.
    for (const type of ["acknowledged", "refused"]) {
      this.listen(mutations, type, ({ detail }) => this.#judged(detail.mutation));
    }
    this.listen(drafts, "written", ({ detail }) => this.#draftWritten(detail));
    this.listen(window, "pagehide", () => this.form?.editor.saveDraft());
    // "5 minutes ago" grows old; and an edit that lost changes the history, but not the contact.
    this.every(30, () => {
      this.history?.refreshSoon();
      this.invalidate();
    });
    shortcuts.bind(this, { e: () => this.edit() });
  }

  routed({ parts, query }) {
    this.query = query;
    this.invalidate();
    if (parts[1] === this.id) return;
    this.#leave();
    this.id = parts[1];
    this.#name();
    if (!this.isNew) {
      this.history = new ContactHistory(this.application, this.id, () => this.#historyChanged());
      this.look();
      this.load();
    }
    this.#readDraft();
  }

  get isNew() {
    return this.id === "new";
  }

  template() {
    return page(this);
  }

  closed() {
    this.#leave();
  }

  /** Reads the contact and its history anew. */
  async load() {
    const { id, application } = this;
    if (this.isNew) return;
    this.history.refresh();
    try {
      const path = `/api/contacts/${encodeURIComponent(id)}`;
      const row = await application.rest.get(path, {}, { signal: this.signal });
      application.store.take("contact", [row]);
      this.error = null;
    } catch (error) {
      if (this.signal.aborted || id !== this.id) return;
      this.#notRead(error);
    }
    if (id === this.id) this.look();
    this.#arrive();
  }

  /** Opens the form, with the draft where there is one. */
  edit({ draft = this.draft } = {}) {
    if (this.form || (!this.isNew && this.state !== "shown")) return;
    this.draft = null;
    const contact = this.isNew ? null : this.contact;
    const editor = new Editor(this.application, contact, () => this.invalidate(), draft);
    this.form = new EditForm(this.application, editor, {
      save: () => this.actions.save(),
      cancel: () => this.actions.cancel(),
      restore: () => this.actions.restore(),
      invalidate: () => this.invalidate(),
      show: () => this.renderNow(),
    });
    this.renderNow();
    this.element.querySelector(".contact-form input").focus();
  }

  closeForm() {
    this.form?.editor.close();
    this.form = null;
    this.focus();
  }

  /** Puts the focus onto the page if the button that had it is gone. */
  keepFocus() {
    if (!this.signal.aborted && document.activeElement === document.body) this.focus();
  }

  /** Shows the page and puts the focus where reading begins: to edit, or to the name. */
  focus() {
    this.renderNow();
    const edit = this.element.querySelector(".contact-edit");
    (edit ?? this.element.querySelector(".contact-name"))?.focus();
  }

  async discardDraft() {
    this.draft = null;
    await this.application.drafts.remove(Editor.draftName(this.id));
    if (this.isNew) this.edit();
    this.invalidate();
  }

  async #readDraft() {
    const { id } = this;
    const { drafts, mutations } = this.application;
    let draft = await drafts.read(Editor.draftName(id));
    // It was sent, but the page was left before the answer came: saved again, it would be refused.
    if (draft && id === "new" && (await mutations.made(draft.id))) {
      await drafts.remove(Editor.draftName(id));
      draft = null;
    }
    if (id !== this.id || this.form || this.signal.aborted) return;
    this.draft = draft ?? null;
    this.#dropSentDraft();
    if (this.isNew && !draft) this.edit();
    else this.invalidate();
  }

  /** A draft of which everything is in the contact is none any more. */
  #dropSentDraft() {
    const { application, contact, draft, form } = this;
    if (!draft || !contact || form || contact.version < draft.version) return;
    const editor = new Editor(application, contact, () => {}, structuredClone(draft));
    if (editor.dirty) return;
    editor.close();
    this.draft = null;
    editor.discardDraft();
  }

  #judged({ row }) {
    if (row === this.id) this.history.refreshSoon();
  }

  /** A draft that this page did not write: of an edit that was refused. */
  #draftWritten(name) {
    if (!this.form && name === Editor.draftName(this.id)) this.#readDraft();
  }

  #notRead(error) {
    if (error.code === "not_found") this.state = this.contact?.pending ? "shown" : "missing";
    else if (error.code === "gone") this.state = "deleted";
    else {
      this.error = error;
      if (this.state === "loading") this.state = "failed";
    }
    this.invalidate();
  }

  /** On a phone the list is gone, and with it what had the focus. */
  #arrive() {
    if (this.wide.matches || this.#arrived === this.id || this.form) return;
    this.#arrived = this.id;
    if (document.activeElement !== document.body) return;
    this.renderNow();
    this.element.querySelector(".contact-name")?.focus({ preventScroll: true });
  }

  /** Takes from the store how the contact is now. */
  look() {
    const { mutations, store } = this.application;
    const row = store.get("contact", this.id);
    if (row) {
      const renamed = row.display_name !== this.contact?.display_name;
      this.contact = row;
      this.state = "shown";
      if (renamed) this.#name();
      this.#freshen();
      this.#dropSentDraft();
    } else if (store.tombstone("contact", this.id) || this.#isBeingDeleted(mutations)) {
      this.state = "deleted";
    }
    this.invalidate();
  }

  #isBeingDeleted(mutations) {
    return mutations.of(this.id).some(({ event }) => event === "contact_delete");
  }

  #freshen() {
    const names = this.form?.editor.freshen(this.contact) ?? [];
    if (!names.length) return;
    const { store } = this.application;
    const who = store.agentName(this.contact.updated_by);
    this.application.announce(
      `${who} changed ${names.map((name) => fieldName(name, store)).join(", ")}.`,
    );
  }

  #stored({ detail }) {
    if (this.isNew) return this.invalidate();
    const news = detail.get("contact");
    const row = news?.rows.get(this.id);
    if (row) this.application.store.take("contact", [row]);
    if (news?.put.has(this.id) || news?.del.has(this.id)) this.history.refreshSoon();
    this.look();
  }

  #connected() {
    this.invalidate();
    if (this.application.connection.state === "online" && (this.error || this.history?.error)) {
      this.load();
    }
  }

  #conflicted({ detail: { mutation, conflicts } }) {
    if (mutation.row !== this.id) return;
    const fields = new Set(conflicts.map(({ field }) => field));
    this.conflicts = [...this.conflicts.filter(({ field }) => !fields.has(field)), ...conflicts];
    this.invalidate();
  }

  #historyChanged() {
    const editor = this.form?.editor;
    for (const [name, { after }] of editor?.clashes ?? []) {
      const change = lastChange(this.history.items, name);
      if (change && change.version > after) editor.attribute(name, change);
    }
    this.invalidate();
  }

  #leave() {
    this.form?.editor.close();
    this.history?.close();
    Object.assign(this, { form: null, history: null, contact: null, draft: null, error: null });
    this.state = "loading";
    this.conflicts = [];
  }

  #name() {
    const text = this.isNew ? "New contact" : this.contact?.display_name;
    this.application.title(text || "Contact");
  }
}
