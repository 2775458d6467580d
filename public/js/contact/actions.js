import { newId } from "../core/ids.js";
import { formatTime } from "../core/times.js";
import { html } from "../vendor.js";
import { settleConflicts } from "./conflicts.js";

const WAITS = "Kept in this browser. It is sent when the connection is back.";

/** What the buttons of a contact's page do. */
export class Actions {
  constructor(view) {
    this.view = view;
    this.application = view.application;
  }

  /** Saves the form, or says what is to be mended first. */
  async save() {
    const { view } = this;
    const { editor } = view.form;
    if (editor.busy) return;
    const { isNew } = editor;
    editor.submitted = true;
    if (editor.faults.size || editor.clashes.size) {
      this.#toFirstFault();
      return;
    }
    let ack;
    try {
      ack = await editor.save();
    } catch (error) {
      if (!error.code) throw error;
      // What others changed while it was judged has not been looked at.
      if (!editor.isNew) view.look();
      view.history?.refreshSoon();
      if (view.form?.editor === editor) this.#toFirstFault();
      else this.#tellLeft(editor, error);
      return;
    }
    if (view.form?.editor !== editor) return;
    view.closeForm();
    if (isNew) {
      // The way back is to what was before the form.
      view.application.router.replace(view.query, `/contacts/${editor.id}`);
      view.focus();
    }
    // Somebody may have typed on while it was sent.
    view.readDraft();
    if (ack) this.#saved(editor.id, ack);
  }

  async cancel() {
    const { view } = this;
    const { editor } = view.form;
    if (editor.busy) return;
    if (editor.dirty && !(await this.#agreesToDiscard())) return;
    if (view.form?.editor !== editor) return;
    await editor.discardDraft();
    view.closeForm();
    if (editor.isNew) this.application.router.go("/contacts", view.query);
  }

  async remove() {
    const { toasts } = this.application;
    const { id, version, display_name: name } = this.view.contact;
    const based = version ? { base_version: version } : {};
    const ack = await this.#write("contact_delete", { id, ...based });
    if (!ack) return;
    const text = `${name || "The contact"} is deleted.`;
    const undo = { label: "Undo", run: () => this.restore(id) };
    toasts.show(ack.status === "waiting" ? `${text} ${WAITS}` : text, { action: undo });
    this.#settled(id);
  }

  async restore(id = this.view.id) {
    const ack = await this.#write("contact_restore", { id });
    if (!ack) return;
    const text = ack.status === "waiting" ? WAITS : "The contact is back.";
    this.application.toasts.show(text, { kind: "success" });
    this.#settled(id);
  }

  /** The button that was pressed is gone. */
  #settled(id) {
    if (id !== this.view.id) return;
    this.view.look();
    this.view.renderNow();
    this.view.keepFocus();
  }

  /** Puts back what an entry of the history holds, once that is confirmed. */
  async restoreEntry(entry) {
    const { dialogs, rest, store, toasts } = this.application;
    const { id } = this.view;
    const whole = entry.outcome === "applied";
    const time = formatTime(entry.at);
    const agreed = await dialogs.confirm({
      title: whole ? "Restore this state?" : "Restore these values?",
      text: whole
        ? `All fields of the contact become what they were after the change of ${time}. What is there now stays in the history.`
        : `What ${store.agentName(entry.agent)} entered on ${time} is written over what is there now.`,
      action: "Restore",
    });
    if (!agreed) return;
    try {
      const path = `/api/contacts/${encodeURIComponent(id)}/history/${entry.id}/restore`;
      // Sent again after a lost answer, it is still done once.
      const { contact } = await rest.post(
        path,
        {},
        {},
        { headers: { "Idempotency-Key": newId() } },
      );
      store.apply({ contacts: { put: [contact] } });
      toasts.show("Restored.", { kind: "success" });
    } catch (error) {
      if (!error.code) throw error;
      toasts.error(error);
    }
  }

  /** Lets one choose between the values of an edit that had waited and others'. */
  async settle() {
    const { id, application } = this.view;
    const met = application.mutations.conflictsOf(id);
    if (!met) return;
    // Based on what the edit met: what others wrote since is asked about, too.
    await this.#settle(id, met);
    this.view.invalidate();
  }

  #saved(id, ack) {
    const { router, toasts } = this.application;
    if (ack.status === "waiting") toasts.show(WAITS);
    else if (ack.conflicts?.length) this.#settle(id, ack);
    else if (ack.duplicates?.length) {
      const [first] = ack.duplicates;
      toasts.show("Saved. Another contact has the same e-mail or phone.", {
        action: {
          label: "Look at it",
          run: () => router.go(`/contacts/${first}`, this.view.query),
        },
      });
    } else toasts.show("Saved.", { kind: "success", seconds: 3 });
  }

  /** The form is gone that would have said what was refused; it is a draft, unless there was no room. */
  #tellLeft({ place }, error) {
    const { router, toasts } = this.application;
    const kept = error.code === "storage" ? "" : " What you entered is kept as a draft.";
    const action = { label: "Open", run: () => router.go(`/contacts/${place}`) };
    toasts.show(`${error.message}${kept}`, { kind: "error", action, seconds: 30 });
  }

  /** Asks about the conflicts, which are looked at then, unless the choice could not be written. */
  async #settle(id, ack) {
    const { mutations, toasts } = this.application;
    const { sequences = [] } = mutations.conflictsOf(id) ?? {};
    try {
      const written = await settleConflicts(this.application, id, ack);
      await mutations.settle(sequences);
      // Somebody may have been quicker again.
      if (written?.conflicts?.length) await this.#settle(id, written);
    } catch (error) {
      if (!error.code) throw error;
      toasts.error(error);
    }
  }

  /** The ack, or null when it was refused, which is said. */
  async #write(event, payload) {
    try {
      return await this.application.mutations.write(event, payload);
    } catch (error) {
      if (!error.code) throw error;
      this.application.toasts.error(error);
      return null;
    }
  }

  async #agreesToDiscard() {
    const agreed = await this.application.dialogs.open({
      title: "Discard your changes?",
      body: () => html`<p>What you have typed here is not saved yet.</p>`,
      buttons: [
        { label: "Keep editing", value: false },
        { label: "Discard", value: true, primary: true, danger: true },
      ],
    });
    return agreed === true;
  }

  #toFirstFault() {
    const { view } = this;
    view.renderNow();
    const first = view.element.querySelector(".clash button, [aria-invalid='true']");
    (first ?? view.element.querySelector(".contact-form input")).focus();
  }
}
