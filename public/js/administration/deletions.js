const UNDO_S = 8;
const ofApplication = new WeakMap();

/**
 * Labels that somebody has deleted and may still have back: they are deleted when the message that
 * offers that has gone. Later it could not be undone whole, as the server then takes a label off its
 * contacts. Event `changed`.
 */
class Deletions extends EventTarget {
  #waiting = new Map();

  constructor(application) {
    super();
    this.application = application;
    // A closed tab deletes at once: the write is kept before anything is sent.
    window.addEventListener("pagehide", () => {
      for (const toast of [...this.#waiting.values()]) application.toasts.end(toast);
    });
  }

  has(id) {
    return this.#waiting.has(id);
  }

  start(kind, label) {
    const { mutations, toasts } = this.application;
    const write = { id: label.id, base_version: label.version };
    const toast = toasts.show(`“${label.name}” is deleted.`, {
      seconds: UNDO_S,
      action: { label: "Undo", run: () => this.#forget(label.id) },
      ended: async () => {
        try {
          await mutations.write(`${kind}_delete`, write);
        } catch (error) {
          toasts.error(error);
        }
        this.#forget(label.id);
      },
    });
    this.#waiting.set(label.id, toast);
    this.#changed();
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
