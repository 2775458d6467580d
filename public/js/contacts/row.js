import { html, nothing, live as shown } from "../vendor.js";
import { COLUMNS, secondLine } from "./columns.js";

/**
 * A row of the grid. `place`: `{row, index, columns, compact, choosable, gone}`, `row` null while it
 * is on its way. One template for all of them, so that rows are filled anew rather than made anew.
 */
export function contactRow(application, model, place) {
  const { row, index, columns, choosable } = place;
  const name = row ? row.display_name || "No name" : "";
  const chosen = Boolean(choosable && row && model.selection.has(row.id));
  return html`
    <div
      role="row"
      class=${classOf(model, place, chosen)}
      id=${`contact-row-${index}`}
      aria-rowindex=${index + 2}
      aria-selected=${choosable ? chosen : nothing}
      aria-busy=${row ? nothing : "true"}
      data-index=${index}
      data-id=${row?.id ?? nothing}
    >
      <span role="gridcell" class="cell cell-choose">
        ${choosable ? choice(row, name, chosen) : nothing}
      </span>
      <span role="gridcell" class="cell cell-name">
        <a tabindex="-1" href=${row ? application.router.href(`/contacts/${row.id}`, model.pages.asked ?? {}) : nothing}>${name}</a>
        ${row ? besideName(place) : nothing}
      </span>
      ${columns.map(
        (column) =>
          html`<span role="gridcell" class="cell">${(row && COLUMNS[column].cell(row, application.store)) ?? ""}</span>`,
      )}
    </div>
  `;
}

const choice = (row, name, chosen) => html`
  <input type="checkbox" tabindex="-1" aria-label=${`Choose ${name}`} ?disabled=${!row} .checked=${shown(chosen)} />
`;

function besideName({ row, compact, gone }) {
  if (!row.pending && !gone && !compact) return nothing;
  return html`
    ${row.pending ? html`<span class="badge badge-warning">unsent</span>` : nothing}
    ${gone ? html`<span class="badge badge-bad">deleted</span>` : nothing}
    ${compact ? html`<span class="second-line">${secondLine(row).map(beside)}</span>` : nothing}
  `;
}

/** A text from right to left, or one that turns the direction, leaves the next one alone. */
const beside = (text, at) => html`${at ? " · " : nothing}<bdi>${text}</bdi>`;

function classOf({ cursor, live, open }, { row, index, gone }, chosen) {
  const names = {
    "grid-row-coming": !row,
    "grid-row-active": index === cursor.index,
    "grid-row-open": row && row.id === open(),
    "grid-row-chosen": chosen,
    "grid-row-gone": gone,
    "grid-row-glow": row && live.glows(row.id),
  };
  return ["grid-row", ...Object.keys(names).filter((name) => names[name])].join(" ");
}
