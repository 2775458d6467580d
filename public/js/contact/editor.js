import { newId } from "../core/ids.js";
import { serverNow } from "../core/times.js";
import { listOf, MOST } from "./fields.js";
import {
  changesBetween,
  contactOf,
  customRow,
  differences,
  flatOf,
  formOf,
  newItem,
  same,
} from "./form.js";
import { choose, rebase } from "./rebase.js";
import { groupOf } from "./rescue.js";
import { faultsOf, placedFaults } from "./rules.js";

const DRAFT_MS = 300;
const PAUSE_MS = 900;

/**
 * A contact that is being edited: the form's values, what is wrong with them, what others did to
 * it meanwhile, and its draft. Knows nothing of the page; calls `changed()` when that is to be
 * shown anew.
 */
export class Editor {
  #faults = null;
  #touched = new Set();
  #refusals = new Map();
  #timers = { draft: null, pause: null };

  /**
   * `contact` is the one as shown, null for a new one; `draft` what `saveDraft` had kept, or what was
   * refused (see rescue.js). `place` is what the page is called, whose draft it is: "new" or an id.
   */
  constructor({ drafts, mutations, session }, contact, changed, { draft = null, place } = {}) {
    this.drafts = drafts;
    this.mutations = mutations;
    this.changed = changed;
    this.isNew = contact === null;
    this.id = contact?.id ?? draft?.id ?? newId();
    this.place = place ?? this.id;
    /** The refused mutations that this mends; they are kept until it is saved or discarded. */
    this.mends = draft?.mends ?? [];
    this.why = draft?.why ?? null;
    this.form = formOf(contact ?? { owner_id: session.agent.id });
    this.base = flatOf(this.form);
    this.version = contact?.version ?? 0;
    /**
     * Fields that both changed: a Map from a name to `{theirs, by, at, after}`; the
     * change that clashes is of a version above `after`.
     */
    this.clashes = new Map();
    /** What others changed since it was opened and the form has taken: `{names, by, at}`. */
    this.taken = null;
    this.busy = false;
    this.submitted = false;
    /** What the server said of the whole. */
    this.refusal = null;
    if (draft) this.#restore(draft, contact);
  }

  static draftName(id) {
    return `contact/${id}`;
  }

  get draftName() {
    return Editor.draftName(this.place);
  }

  get dirty() {
    return differences(this.base, flatOf(this.form)).length > 0 || this.clashes.size > 0;
  }

  get faults() {
    // Each field asks for its own; they are the same until the form changes.
    this.#faults ??= faultsOf(this.form);
    return this.#faults;
  }

  /** The form's value of a name of the flat map, tidied. */
  mine(name) {
    return flatOf(this.form)[name];
  }

  /** What is to be shown at a field: the server's word, or ours once one has been there. */
  faultAt(path) {
    const refusal = this.#refusals.get(path);
    if (refusal) return refusal;
    const seen = this.submitted || this.#touched.has(path);
    return seen ? this.faults.get(path) : undefined;
  }

  /** The server's words for what is no field of this form. */
  get strayFaults() {
    return [...this.#refusals].filter(([path]) => path.startsWith("?")).map(([, text]) => text);
  }

  /** A control's new value; `path` is its name: `company`, `emails.0.value`. */
  input(path, value) {
    const [name, member, part] = path.split(".");
    if (part) this.form[name][member][part] = value;
    else if (member) this.form[name][member] = value;
    else this.form[name] = value;
    this.#refusals.delete(path);
    clearTimeout(this.#timers.pause);
    // Who is in the middle of an address is not told yet that it is none.
    this.#timers.pause = setTimeout(() => this.touch(path), PAUSE_MS);
    this.#edited();
  }

  /** One has been at a field: from now on it is said what is wrong with it. */
  touch(path) {
    if (this.#touched.has(path)) return;
    this.#touched.add(path);
    this.changed();
  }

  add(list) {
    const most = list === "custom" ? MOST.custom : MOST.items;
    if (this.form[list].length >= most) return false;
    this.form[list].push(list === "custom" ? customRow() : newItem(list));
    this.#edited();
    return true;
  }

  remove(list, at) {
    this.form[list].splice(at, 1);
    // What was said of items is said by their places, which have moved.
    for (const said of [this.#touched, this.#refusals]) {
      for (const path of said.keys()) if (path.startsWith(`${list}.`)) said.delete(path);
    }
    this.#edited();
  }

  setIds(name, ids) {
    this.form[name] = ids;
    this.#refusals.delete(name);
    this.#edited();
  }

  choose(name, whose) {
    choose(this, name, whose);
    this.#edited();
  }

  /** Somebody changed the contact; gives the names of the fields that the form has taken. */
  freshen(contact, { by = contact.updated_by, at = contact.updated_at } = {}) {
    if (this.busy || this.isNew) return [];
    const before = new Map(this.clashes);
    const names = rebase(this, contact);
    this.#faults = null;
    const after = this.version;
    this.version = contact.version;
    for (const [name, clash] of this.clashes) {
      const known = before.get(name);
      const again = known && same(known.theirs, clash.theirs);
      this.clashes.set(name, again ? known : { ...clash, by, at, after });
    }
    if (names.length) this.taken = { names, by, at };
    if (names.length || this.clashes.size !== before.size) this.#edited();
    return names;
  }

  /** Says who made the change that a field clashes with, once that is known better. */
  attribute(name, { by, at }) {
    Object.assign(this.clashes.get(name), { by, at });
  }

  /**
   * Sends what was changed. Resolves with the ack (null when nothing was), rejects with what the
   * server refused, which is then shown at the fields. Call it only when there are no `faults`.
   */
  async save() {
    const flat = flatOf(this.form);
    const changes = changesBetween(this.base, flat);
    if (!this.isNew && !Object.keys(changes).length) return null;
    this.busy = true;
    this.refusal = null;
    this.changed();
    try {
      // Until it is judged it is a draft: what is refused as the page is left is nowhere else.
      await this.saveDraft();
      const mended = await this.#groupOfUnborn();
      const ack = await (this.isNew || mended.length
        ? this.mutations.write("contact_create", { contact: contactOf(this.id, flat) })
        : this.mutations.write("contact_update", this.#update(changes)));
      this.mends.push(...mended);
      await this.discardDraft();
      await this.#keepWhatCameSince(flat, ack);
      return ack;
    } catch (error) {
      this.#refused(error);
      throw error;
    } finally {
      this.busy = false;
      this.changed();
    }
  }

  /** If its creation was refused while one edits: that and what was behind it, which this form has. */
  async #groupOfUnborn() {
    if (this.isNew || this.version || (await this.mutations.made(this.id))) return [];
    return groupOf(this.mutations, this.id);
  }

  /** What was typed while it was sent is a draft, of the contact as it is then. */
  #keepWhatCameSince(sent, { version }) {
    if (!differences(sent, flatOf(this.form)).length) return undefined;
    Object.assign(this, { base: sent, version: version ?? this.version, isNew: false });
    Object.assign(this, { place: this.id, mends: [], why: null });
    return this.saveDraft();
  }

  #update(changes) {
    // A contact that is unsent itself has no version to be based on.
    const based = this.version ? { base_version: this.version } : {};
    return { id: this.id, ...based, changes };
  }

  #refused(error) {
    this.refusal = error;
    for (const [path, text] of placedFaults(error.fields ?? {}, this.form)) {
      this.#refusals.set(this.#isField(path) ? path : `?${path}`, text);
    }
  }

  #isField(path) {
    const [name, member, part] = path.split(".");
    if (!(name in this.form)) return false;
    if (member === undefined) return true;
    if (part === undefined) return member in this.form[name];
    return listOf(name) || name === "custom" ? part in (this.form[name][member] ?? {}) : false;
  }

  /** Keeps the form in this browser; at once, not within the next moments. */
  async saveDraft() {
    clearTimeout(this.#timers.draft);
    this.#timers.draft = null;
    if (!this.dirty) return this.drafts.remove(this.draftName);
    // With what nobody has chosen of yet: it would be written over unasked.
    const { id, version, base, form, clashes, mends, why } = this;
    const unborn = this.isNew && this.place !== "new";
    const draft = { id, unborn, version, base, form, clashes, mends, why, at: serverNow() };
    return this.drafts.write(this.draftName, structuredClone(draft));
  }

  async discardDraft() {
    clearTimeout(this.#timers.draft);
    this.#timers.draft = null;
    await this.drafts.remove(this.draftName);
    await this.mutations.dismiss(this.mends);
  }

  /** Leaves it without a word: it was made only to look at. */
  abandon() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#timers = { draft: null, pause: null };
  }

  /** Leaves it: what was not saved is a draft. */
  close() {
    clearTimeout(this.#timers.pause);
    if (this.#timers.draft) this.#keepDraft();
  }

  /** What can't be kept is said in the form, which is then the only place that has it. */
  async #keepDraft() {
    try {
      await this.saveDraft();
    } catch (error) {
      if (error.code !== "storage") throw error;
      this.refusal = error;
      this.changed();
    }
  }

  #restore(draft, contact) {
    this.form = draft.form;
    if (!contact) return;
    this.base = draft.base;
    this.version = draft.version;
    this.clashes = draft.clashes ?? new Map();
    this.freshen(contact);
  }

  #edited() {
    this.#faults = null;
    // Not by a pause in typing, as who never pauses would have no draft.
    this.#timers.draft ??= setTimeout(() => this.#keepDraft(), DRAFT_MS);
    this.changed();
  }
}
