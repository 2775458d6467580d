import { PLURALS } from "../core/entities.js";

const UNDO_S = 8;
// While Undo is offered the deletion waits, from one renewal to the next; a page that is gone renews
// nothing, and the deletion is sent by another tab, or when one is opened again.
const LEASE_MS = 6_000;
const RENEWAL_MS = 2_000;
const ofApplication = new WeakMap();

/**
 * Labels that somebody has deleted and may still have back: they are deleted when the message that
 * offers that has gone, or the page. Later it could not be undone whole, as the server then takes a
 * label off its contacts. Event `changed`.
 */
class Deletions extends EventTarget {
  /** By the label's id, until the message is gone: what ends it, from `start`. */
  #offered = new Map();

  constructor(application) {
    super();
    this.application = application;
    window.addEventListener("pagehide", ({ persisted }) => persisted || this.#leave());
  }

  has(id) {
    return this.#offered.has(id);
  }

  async start(kind, label) {
    const { mutations, toasts } = this.application;
    const deletion = { kind, id: label.id, name: label.name, mutations, sequence: null };
    this.#offered.set(label.id, deletion);
    this.#changed();
    try {
      const write = { id: label.id, base_version: label.version };
      const kept = await mutations.keep(`${kind}_delete`, write, { delay: LEASE_MS });
      Object.assign(deletion, kept);
      kept.answer.catch((error) => toasts.error(error));
    } catch (error) {
      toasts.error(error);
      this.#end(deletion);
      return;
    }
    deletion.renewal = setInterval(() => this.#postpone(deletion, LEASE_MS), RENEWAL_MS);
    toasts.show(`“${label.name}” is deleted.`, {
      seconds: UNDO_S,
      action: { label: "Undo", run: () => this.#undo(deletion) },
      ended: () => this.#send(deletion),
    });
  }

  async #send(deletion) {
    this.#end(deletion);
    await this.#postpone(deletion, 0);
    // What was refused is told above.
    await Promise.allSettled([deletion.answer]);
  }

  async #undo(deletion) {
    const { mutations, sequence, kind, id, name } = deletion;
    this.#end(deletion);
    const { toasts } = this.application;
    try {
      if (await mutations.withdraw(sequence)) return;
      // This page had been asleep, and another tab has sent it.
      await mutations.write(`${kind}_restore`, { id });
      toasts.show(`“${name}” had been deleted already. It is back; contacts may have lost it.`);
    } catch (error) {
      toasts.error(error);
    }
  }

  async #postpone({ mutations, sequence }, delay) {
    try {
      await mutations.postpone(sequence, delay);
    } catch (error) {
      this.application.toasts.error(error);
    }
  }

  #end(deletion) {
    clearInterval(deletion.renewal);
    this.#offered.delete(deletion.id);
    this.#changed();
  }

  /**
   * A page that is left deletes at once, as it may be the last one: what the queue keeps would wait
   * until somebody is back. That says the same then, and changes nothing.
   */
  #leave() {
    const { rest, toasts } = this.application;
    for (const { kind, id } of this.#offered.values()) {
      const path = `/api/${PLURALS[kind]}/${encodeURIComponent(id)}`;
      rest.delete(path, { keepalive: true }).catch((error) => toasts.error(error));
    }
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("changed"));
  }
}

/** The deletions of an application, whichever page is shown. */
export function deletionsOf(application) {
  if (!ofApplication.has(application)) ofApplication.set(application, new Deletions(application));
  return ofApplication.get(application);
}
