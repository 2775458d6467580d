import { PLURALS } from "../core/entities.js";

const UNDO_S = 8;
const ofApplication = new WeakMap();

/**
 * Labels that somebody has deleted and may still have back: they are deleted when the message that
 * offers that has gone. Later it could not be undone whole, as the server then takes a label off its
 * contacts. Event `changed`.
 */
class Deletions extends EventTarget {
  #waiting = new Map();
  #leaving = false;

  constructor(application) {
    super();
    this.application = application;
    window.addEventListener("pagehide", () => this.#leave());
  }

  has(id) {
    return this.#waiting.has(id);
  }

  start(kind, label) {
    const { mutations, rest, toasts } = this.application;
    const write = { id: label.id, base_version: label.version };
    const toast = toasts.show(`“${label.name}” is deleted.`, {
      seconds: UNDO_S,
      action: { label: "Undo", run: () => this.#forget(label.id) },
      ended: async () => {
        try {
          if (this.#leaving)
            await rest.delete(`/api/${PLURALS[kind]}/${label.id}`, { keepalive: true });
          else await mutations.write(`${kind}_delete`, write);
        } catch (error) {
          toasts.error(error);
        }
        this.#forget(label.id);
      },
    });
    this.#waiting.set(label.id, toast);
    this.#changed();
  }

  /** A page that is left deletes at once, and not by the queue: what that keeps would come too late. */
  #leave() {
    this.#leaving = true;
    for (const toast of [...this.#waiting.values()]) this.application.toasts.end(toast);
    this.#leaving = false;
  }

  #forget(id) {
    this.#waiting.delete(id);
    this.#changed();
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
