/**
 * The views' names on a narrow screen: opened by a button, closed by Escape, by a click or the focus
 * going elsewhere, and by going to a view. On a wide one they are always there, and this does nothing.
 */
export class Menu {
  open = false;

  /** `view` is the shell, whose `invalidate` shows the menu anew; `#navigation` is in it. */
  constructor(view) {
    this.view = view;
    view.listen(document, "pointerdown", ({ target }) => this.#left(target));
    view.listen(document, "focusin", ({ target }) => this.#left(target));
    view.listen(view.element, "keydown", (event) => this.#pressed(event));
  }

  toggle() {
    if (this.open) return this.close();
    this.open = true;
    this.view.renderNow();
    const { navigation } = this;
    (navigation.querySelector("[aria-current]") ?? navigation.querySelector("a")).focus();
  }

  close() {
    if (!this.open) return;
    this.open = false;
    this.view.invalidate();
  }

  get navigation() {
    return this.view.element.querySelector("#navigation");
  }

  #left(target) {
    if (!this.open || this.navigation.contains(target)) return;
    // The button closes it by itself.
    if (!target.closest?.(".menu-button")) this.close();
  }

  #pressed(event) {
    if (!this.open || event.key !== "Escape") return;
    event.preventDefault();
    this.close();
    this.view.element.querySelector(".menu-button").focus();
  }
}
