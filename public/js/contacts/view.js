import { View } from "../app/view.js";
import { plural } from "../core/times.js";
import { html, nothing } from "../vendor.js";
import { BulkBar } from "./bulk_bar.js";
import { chosenColumns } from "./columns.js";
import { Cursor } from "./cursor.js";
import { deleteWithUndo } from "./deleting.js";
import { filterChips, filterPanel } from "./filters.js";
import { Grid } from "./grid.js";
import { ListKeys } from "./keys.js";
import { lazily } from "./lazily.js";
import { listHead, listTools, pill, stateOf } from "./list_head.js";
import { LiveChanges } from "./live.js";
import { Pages } from "./pages.js";
import { Pane } from "./pane.js";
import { filtersOf, listQuery, nextSort, sameQuery } from "./query.js";
import { SearchBox } from "./search_box.js";
import { Selection } from "./selection.js";

const FEW = 20;
const wideScreen = matchMedia("(min-width: 1100px)");
const narrowScreen = matchMedia("(max-width: 699px)");

/** The list of contacts, with one of them beside it, or in its place where the screen is narrow. */
export default class ContactsView extends View {
  query = null;
  #route = null;
  filtersOpen = false;
  #columns = chosenColumns();
  #pointerIn = false;

  opened() {
    const { application } = this;
    const { connection, rest, store, session } = application;
    this.element.classList.add("contacts-view");
    this.choosable = session.is("admin", "manager", "api");
    this.pages = new Pages((query, part, signal) =>
      rest.get("/api/contacts", { ...query, ...part }, { signal }),
    );
    this.live = new LiveChanges(this.pages, store, () => this.#calm());
    this.selection = new Selection();
    this.cursor = new Cursor(this.pages);
    this.bulk = new BulkBar(this);
    this.pane = new Pane(application);
    this.search = new SearchBox(
      (text, began) => this.#searched(text, began),
      () => this.grid.focus(),
    );
    this.gridElement = document.createElement("div");
    this.gridElement.className = "grid-host";
    this.grid = new Grid(application, this.gridElement, {
      pages: this.pages,
      live: this.live,
      selection: this.selection,
      cursor: this.cursor,
      choosable: this.choosable,
      columns: () => this.#columns,
      compact: () => this.compact,
      open: () => this.#openId,
      gone: (row) => this.#isGone(row),
    });
    this.keys = new ListKeys(this);
    this.grid.open();
    for (const type of ["shown", "failed", "total", "opening"])
      this.listen(this.pages, type, this.invalidate);
    this.listen(this.pages, "shown", this.#shown);
    this.listen(this.pages, "shown", () => this.pane.prepare(), { once: true });
    this.listen(this.pages, "rows", ({ detail }) => store.take("contact", detail.items));
    this.listen(this.live, "changed", this.invalidate);
    this.listen(this.selection, "changed", this.invalidate);
    this.listen(store, "changed", ({ detail }) => this.#storeChanged(detail));
    this.listen(store, "stale", () => this.live.refreshSoon());
    this.listen(connection, "state", this.#connected);
    this.listen(wideScreen, "change", this.#relaid);
    this.listen(narrowScreen, "change", this.#relaid);
    this.every(1, () => this.live.tick());
    this.#listenToGrid();
  }

  /** Whether the list is seen: beside the contact, or alone. */
  get listShown() {
    return !this.#openId || wideScreen.matches;
  }

  /** Whether a row has one column of two lines. */
  get compact() {
    return narrowScreen.matches || Boolean(this.#openId);
  }

  get #openId() {
    return this.#route?.parts[1] ?? null;
  }

  routed(route) {
    const { application } = this;
    const wasCompact = this.compact;
    const wasShown = this.listShown;
    const wasOpen = this.#openId;
    const { position } = this.grid;
    this.#route = route;
    this.#take(listQuery(route.query));
    if (!this.#openId) application.title("Contacts");
    else if (!wasOpen) this.filtersOpen = false;
    this.renderNow();
    const relaid = wasCompact !== this.compact || !wasShown;
    if (this.listShown && relaid) this.grid.position = position;
    this.grid.invalidate();
    this.pane.show(route);
    // Back from a contact, the keys go on where they were.
    if (wasOpen && !this.#openId && !this.element.contains(document.activeElement))
      this.grid.focus();
  }

  #take(query) {
    if (this.query === null || !sameQuery(query, this.query)) {
      // What was chosen by other filters would be changed unseen.
      if (this.query && !sameQuery(filtersOf(query), filtersOf(this.query))) this.selection.clear();
      this.query = query;
    }
    this.#showList();
  }

  /** Reads the list that is asked for, unless nobody would see it yet. */
  #showList() {
    if (this.listShown && this.pages.asked !== this.query) this.pages.show(this.query);
  }

  template() {
    const { store } = this.application;
    const open = this.#openId !== null;
    const state = stateOf(this);
    return html`
      <div class="contacts ${open ? "contacts-split" : ""}">
        <section class="contacts-list" aria-label="List of contacts" ?hidden=${!this.listShown}>
          ${listHead(this)} ${listTools(this)}
          ${this.filtersOpen ? filterPanel(this.query, store, (some) => this.change(some)) : nothing}
          ${filterChips(this.query, store, (query) => this.go(query))} ${pill(this.live, () => this.live.apply())}
          <div class="grid-frame" ?hidden=${state !== null}>${this.gridElement}</div>
          ${state} ${this.bulk.template()}
        </section>
        ${open ? this.pane.template(this.query, wideScreen.matches) : nothing}
      </div>
    `;
  }

  #listenToGrid() {
    const { events } = this.grid;
    this.listen(this.gridElement, "keydown", (event) => this.keys.pressed(event));
    this.listen(this.gridElement, "pointerenter", () => this.#pointer(true));
    this.listen(this.gridElement, "pointerleave", () => this.#pointer(false));
    this.listen(events, "sort", ({ detail }) =>
      this.change({ sort: nextSort(this.query, detail) }),
    );
    this.listen(events, "press", ({ detail }) => this.openAt(detail.index));
    this.listen(events, "point", ({ detail }) => this.cursor.go(detail.index));
    this.listen(events, "choose", ({ detail: { index, id, range } }) => {
      this.cursor.go(index);
      if (range && this.selection.anchor) this.keys.chooseRange(index);
      else
        this.selection.toggle(
          id,
          this.pages.blocks.flat().map((row) => row.id),
        );
    });
  }

  #pointer(inside) {
    this.#pointerIn = inside;
  }

  /** Whether nobody would lose sight of a row when rows move. */
  #calm() {
    const focused = this.gridElement.contains(document.activeElement);
    return (
      this.listShown && this.grid.atTop && !this.#pointerIn && !focused && this.selection.empty
    );
  }

  #isGone(row) {
    if (row.deleted_at) return false;
    const { store, mutations } = this.application;
    if ((store.tombstone("contact", row.id)?.version ?? 0) > row.version) return true;
    return mutations.of(row.id).some(({ event }) => event === "contact_delete");
  }

  #storeChanged(changed) {
    const contacts = changed.get("contact");
    if (contacts) this.live.take(contacts);
    this.grid.invalidate();
    this.invalidate();
  }

  #shown({ detail: { again } }) {
    this.application.store.take("contact", this.pages.blocks.flat());
    if (!again && this.pages.list)
      this.application.announce(`${plural(this.pages.rows, "contact")} in the list`);
  }

  /** What could not be read is read when the line is back. */
  #connected() {
    const { connection } = this.application;
    if (connection.state === "online" && this.pages.error) this.pages.refresh();
  }

  #relaid() {
    const { position } = this.grid;
    this.#showList();
    this.renderNow();
    if (this.listShown) this.grid.position = position;
  }

  #searched(text, began) {
    const search = text.trim();
    if (search === (this.query.search ?? "")) return;
    const query = { ...this.query, search };
    // One step back returns to before the search, not to each of its letters.
    if (began) this.go(query);
    else this.application.router.replace(listQuery(query));
  }

  change(some) {
    this.go({ ...this.query, ...some });
  }

  go(query) {
    const { router } = this.application;
    router.go(router.route.path, listQuery(query));
  }

  toggleFilters() {
    this.filtersOpen = !this.filtersOpen;
    this.invalidate();
  }

  exportAll() {
    return lazily(
      this.application,
      () => import("./exporting.js"),
      ({ exportMatching }) =>
        exportMatching(this.application, filtersOf(this.query), this.pages.total),
    );
  }

  async chooseColumns() {
    const columns = await lazily(
      this.application,
      () => import("./column_dialog.js"),
      ({ chooseColumns }) => chooseColumns(this.application, this.#columns),
    );
    if (columns) this.#columns = columns;
    this.grid.invalidate();
  }

  focusSearch() {
    this.element.querySelector("input[type=search]").focus();
  }

  create() {
    this.application.router.go("/contacts/new", this.query);
  }

  openAt(index) {
    const row = this.pages.row(index);
    if (!row) return;
    this.cursor.go(index);
    this.application.router.go(`/contacts/${row.id}`, this.query);
  }

  /** Deletes what is chosen, else the row that the keys are on. */
  remove() {
    const { selection, cursor, query } = this;
    if (query.deleted || !this.listShown) return null;
    const ids = selection.empty ? [cursor.id].filter(Boolean) : selection.ids;
    if (selection.all || ids.length > FEW) return this.bulk.edit({ deleting: true });
    if (ids.length) return deleteWithUndo(this.application, ids, this);
  }

  escape() {
    if (!this.selection.empty) this.selection.clear();
    else if (this.#openId) this.application.router.go("/contacts", this.query);
  }

  closed() {
    this.element.classList.remove("contacts-view");
    this.search.close();
    this.grid.close();
    this.pane.close();
    this.live.close();
    this.pages.close();
  }
}
