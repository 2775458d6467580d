/** One key, no modifier, and never while typing or in a dialog. */
export class Shortcuts {
  #bound = new Map();

  constructor() {
    document.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** Binds keys (`event.key`) until the view is closed; the last one bound comes first. */
  bind(view, keys) {
    const token = {};
    this.#bound.set(token, keys);
    view.signal.addEventListener("abort", () => this.#bound.delete(token));
  }

  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    for (const keys of [...this.#bound.values()].reverse()) {
      if (Object.hasOwn(keys, event.key)) {
        event.preventDefault();
        keys[event.key](event);
        return;
      }
    }
  }
}

function typing(target) {
  if (target.isContentEditable || target.matches("textarea, select")) return true;
  return target.matches("input") && !["checkbox", "radio", "button"].includes(target.type);
}
