import { formatCount, plural } from "../core/times.js";
import { icon } from "../parts/icon.js";
import { failed, nothingFound, nothingYet, skeleton } from "../parts/states.js";
import { html, nothing } from "../vendor.js";
import { sortSelect } from "./filters.js";
import { filtersInWords, isFiltered } from "./query.js";

// What stands above the rows, and in their place where there are none. `view` is the ContactsView.

/** The title with the count, and what there is to do. */
export function listHead(view) {
  const { total } = view.pages;
  return html`
    <div class="view-head contacts-head">
      <h1>
        Contacts
        <span class="contacts-total" data-test="total">${total === null ? "" : formatCount(total)}</span>
      </h1>
      <button
        type="button"
        class="secondary"
        aria-label="Export"
        ?disabled=${!total}
        @click=${() => view.exportAll()}
      >
        ${icon("download")}<span class="wide-only">Export</span>
      </button>
      <button type="button" aria-label="New contact" @click=${() => view.create()}>
        ${icon("add")} New<span class="wide-only"> contact</span>
      </button>
    </div>
  `;
}

/** Search, filters, and the columns, or the order where columns have no heads. */
export function listTools(view) {
  const { application, query } = view;
  const holding = filtersInWords(query, application.store).length;
  return html`
    <div class="contacts-tools">
      ${view.search.template(query)}
      <button
        type="button"
        class="secondary"
        aria-expanded=${view.filtersOpen}
        aria-controls="filters"
        @click=${() => view.toggleFilters()}
      >
        ${icon("filter")} Filters${holding ? html` <span class="badge badge-accent">${holding}</span>` : nothing}
      </button>
      ${
        view.compact
          ? sortSelect(query, (some) => view.change(some))
          : html`<button type="button" class="secondary" @click=${() => view.chooseColumns()}>
              ${icon("columns")} Columns
            </button>`
      }
    </div>
  `;
}

/** "12 new changes – show", while rows would jump. */
export function pill({ waiting }, show) {
  return html`
    <div class="pill-place" role="status">
      ${
        waiting
          ? html`<button type="button" class="pill" data-test="pill" @click=${show}>
              ${plural(waiting, "new change")} – show
            </button>`
          : nothing
      }
    </div>
  `;
}

/** What stands in the place of rows, or null. */
export function stateOf(view) {
  const { application, pages, query } = view;
  // A filter that was typed into the address and means nothing: to try it again would not help.
  if (pages.refusal?.code === "invalid")
    return nothingFound(pages.refusal.message, () => view.go({}));
  if (pages.refusal) return failed(pages.refusal, () => pages.show(query));
  if (!pages.list) return skeleton(12);
  if (pages.rows) return null;
  if (isFiltered(pages.list.query)) {
    return nothingFound("No contact is like that.", () => view.go({ sort: query.sort }));
  }
  const make = html`<button type="button" @click=${() => view.create()}>Make the first</button>`;
  const bring = html`<a role="button" class="secondary" href=${application.router.href("/import")}>Import a file</a>`;
  return nothingYet(
    "There are no contacts yet.",
    html`<div class="buttons">${make} ${view.choosable ? bring : nothing}</div>`,
  );
}
