import { rangeOf } from "./selection.js";

const MOST_IN_RANGE = 5_000;

/**
 * What the keys do in the list. `view` is the ContactsView: its `grid`, `cursor`, `selection`,
 * `pages`, and what it can do.
 */
export class ListKeys {
  constructor(view) {
    this.view = view;
    const { shortcuts } = view.application;
    shortcuts.bind(view, {
      "/": () => view.focusSearch(),
      j: () => this.move(1),
      k: () => this.move(-1),
      x: () => this.toggle(),
      X: () => this.toggle(true),
      n: () => view.create(),
      e: () => view.openAt(view.cursor.index),
      Escape: () => view.escape(),
    });
  }

  /** A key that was pressed while the grid has the focus. */
  pressed(event) {
    if (event.target !== this.view.grid.scroller || event.ctrlKey || event.metaKey || event.altKey)
      return;
    const { cursor, grid, pages } = this.view;
    const keys = {
      ArrowDown: () => this.move(1, event.shiftKey),
      ArrowUp: () => this.move(-1, event.shiftKey),
      PageDown: () => this.move(grid.seen, event.shiftKey),
      PageUp: () => this.move(-grid.seen, event.shiftKey),
      Home: () => this.goTo(0),
      End: () => this.goTo(pages.rows - 1),
      Enter: () => this.view.openAt(cursor.index),
      " ": () => this.toggle(event.shiftKey),
      Delete: () => this.view.remove(),
    };
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  }

  move(rows, choosing = false) {
    const { cursor, grid } = this.view;
    if (!this.view.listShown) return;
    if (choosing && cursor.index >= 0) this.#anchor();
    const from = cursor.index < 0 ? Math.ceil(grid.position) - (rows > 0 ? 1 : 0) : cursor.index;
    this.goTo(from + rows);
    if (choosing) this.chooseRange(cursor.index);
  }

  goTo(index) {
    const { cursor, grid } = this.view;
    cursor.go(index);
    if (cursor.index < 0) return;
    grid.reveal(cursor.index);
    grid.focus();
  }

  toggle(range = false) {
    const { cursor, choosable, selection, pages, listShown } = this.view;
    if (!choosable || !cursor.id || !listShown) return;
    if (range && selection.anchor) this.chooseRange(cursor.index);
    else
      selection.toggle(
        cursor.id,
        pages.blocks.flat().map(({ id }) => id),
      );
  }

  /** Chooses all from the anchor to a row, also those that are not on hand. */
  async chooseRange(index) {
    const { selection, pages, application } = this.view;
    if (!this.view.choosable) return;
    const from = pages.indexOf(selection.anchor);
    if (from < 0) {
      const id = pages.row(index)?.id;
      if (id) selection.toggle(id);
      return;
    }
    const [first, last] = rangeOf(from, index);
    if (last - first >= MOST_IN_RANGE) {
      application.toasts.show(
        "A range holds up to 5,000 contacts. Filter the list and choose all that match.",
      );
      return;
    }
    try {
      selection.add(await pages.idsBetween(first, last));
    } catch (error) {
      application.toasts.error(error);
    }
  }

  #anchor() {
    const { cursor, selection } = this.view;
    if (selection.anchor || !cursor.id || !this.view.choosable) return;
    if (!selection.has(cursor.id)) selection.toggle(cursor.id);
    selection.anchor = cursor.id;
  }
}
