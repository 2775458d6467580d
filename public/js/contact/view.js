import { View } from "../app/view.js";
import { Actions } from "./actions.js";
import { EditForm } from "./edit_form.js";
import { Editor } from "./editor.js";
import { ContactHistory, lastChange } from "./history.js";
import { fieldName } from "./inputs.js";
import { page } from "./pages.js";
import { draftOfRefused } from "./rescue.js";

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
  #reading = false;

  opened() {
    const { connection, mutations, shortcuts, store } = this.application;
    this.actions = new Actions(this);
    this.wide = matchMedia("(min-width: 1100px)");
    this.listen(this.wide, "change", this.invalidate);
    this.listen(store, "changed", this.#stored);
    this.listen(store, "stale", () => this.load());
    this.listen(connection, "state", this.#connected);
    // What was lost or refused is in the history, too, though nothing changed.
    for (const type of ["acknowledged", "refused"]) {
      this.listen(mutations, type, ({ detail }) => this.#judged(detail.mutation));
    }
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
    this.readDraft();
  }

  get isNew() {
    return this.id === "new";
  }

  /** What edits met: conflicts that nobody has looked at yet. */
  get conflicts() {
    return this.application.mutations.conflictsOf(this.id)?.conflicts ?? [];
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
    const unborn = this.isNew || draft?.unborn === true;
    if (this.form || (!unborn && this.state !== "shown")) return;
    this.draft = null;
    const contact = unborn ? null : this.contact;
    const editor = new Editor(this.application, contact, () => this.invalidate(), {
      draft,
      place: this.id,
    });
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
    const { drafts, mutations } = this.application;
    const { mends = [] } = this.draft;
    this.draft = null;
    await drafts.remove(Editor.draftName(this.id));
    await mutations.dismiss(mends);
    if (this.isNew) this.edit();
    this.invalidate();
  }

  /** The draft that was typed here; when there is none, what was refused and is to be mended. */
  async readDraft() {
    const { application, id } = this;
    const { drafts, mutations } = application;
    let draft = await drafts.read(Editor.draftName(id));
    // It was sent, but the page was left before the answer came: saved again, it would be refused.
    if (draft && (id === "new" || draft.unborn) && (await mutations.made(draft.id))) {
      await drafts.remove(Editor.draftName(id));
      await mutations.dismiss(draft.mends ?? []);
      draft = null;
    }
    draft ??= await draftOfRefused(application, id);
    if (id !== this.id || this.form || this.signal.aborted) return;
    this.draft = draft ?? null;
    this.#dropSentDraft();
    if (this.isNew && !draft) this.edit();
    else this.invalidate();
  }

  /** A draft of which everything is in the contact is none any more. */
  #dropSentDraft() {
    const { application, contact, draft, form } = this;
    if (!draft || draft.unborn || !contact || form || contact.version < draft.version) return;
    const editor = new Editor(application, contact, () => {}, {
      draft: structuredClone(draft),
      place: this.id,
    });
    // Or it would write its draft a moment later, also if that is sent or discarded by then.
    editor.abandon();
    if (editor.dirty) return;
    this.draft = null;
    editor.discardDraft();
  }

  #judged({ row }) {
    if (row === this.id) this.history.refreshSoon();
  }

  /** What was refused becomes a draft, and is none any more once another tab has mended it. */
  async #lookForRefused() {
    if (this.form || this.isNew || this.#reading) return;
    const refused = new Set(this.application.mutations.refusedOf(this.id).map((it) => it.sequence));
    const { mends = [] } = this.draft ?? {};
    if (mends.length && !mends.some((sequence) => refused.has(sequence))) this.draft = null;
    if (this.draft || !refused.size) return;
    this.#reading = true;
    try {
      await this.readDraft();
    } finally {
      this.#reading = false;
    }
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
    } else if (store.tombstone("contact", this.id)) {
      this.state = "deleted";
      // Nobody can choose between the values of what is not there.
      mutations.settle(mutations.conflictsOf(this.id)?.sequences ?? []);
    } else if (this.#isBeingDeleted(mutations)) {
      this.state = "deleted";
    } else if (this.contact?.pending && !this.contact.version) {
      // Its creation was refused.
      this.state = "missing";
    }
    this.#lookForRefused();
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
  }

  #name() {
    const text = this.isNew ? "New contact" : this.contact?.display_name;
    this.application.title(text || "Contact");
  }
}
