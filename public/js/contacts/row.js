import { html, nothing, live as shown } from "../vendor.js";
import { COLUMNS, secondLine } from "./columns.js";

/** A row of the grid. `place`: `{row, index, columns, compact, choosable, gone}`. */
export function contactRow({ router, store }, model, place) {
  const { row, index, columns, compact, choosable, gone } = place;
  const name = row.display_name || "No name";
  const chosen = choosable && model.selection.has(row.id);
  return html`
    <div
      role="row"
      class=${classOf(model, place, chosen)}
      id="contact-row-${index}"
      aria-rowindex=${index + 2}
      aria-selected=${choosable ? chosen : nothing}
      data-index=${index}
      data-id=${row.id}
    >
      <span role="gridcell" class="cell cell-choose">
        ${
          choosable
            ? html`<input type="checkbox" tabindex="-1" aria-label="Choose ${name}" .checked=${shown(chosen)} />`
            : nothing
        }
      </span>
      <span role="gridcell" class="cell cell-name">
        <a tabindex="-1" href=${router.href(`/contacts/${row.id}`, model.pages.asked ?? {})}>${name}</a>
        ${row.pending ? html`<span class="badge badge-warning">unsent</span>` : nothing}
        ${gone ? html`<span class="badge badge-bad">deleted</span>` : nothing}
        ${compact ? html`<span class="second-line">${secondLine(row)}</span>` : nothing}
      </span>
      ${columns.map(
        (column) =>
          html`<span role="gridcell" class="cell">${COLUMNS[column].cell(row, store) ?? ""}</span>`,
      )}
    </div>
  `;
}

function classOf({ cursor, live, open }, { row, index, gone }, chosen) {
  const names = {
    "grid-row-active": index === cursor.index,
    "grid-row-open": row.id === open(),
    "grid-row-chosen": chosen,
    "grid-row-gone": gone,
    "grid-row-glow": live.glows(row.id),
  };
  return ["grid-row", ...Object.keys(names).filter((name) => names[name])].join(" ");
}

/** A row that is on its way. */
export const skeletonRow = (index, columns) => html`
  <div role="row" class="grid-row" aria-rowindex=${index + 2} aria-busy="true">
    <span role="gridcell" class="cell"></span>
    <span role="gridcell" class="cell"><span class="bone"></span></span>
    ${columns.map(() => html`<span role="gridcell" class="cell"><span class="bone"></span></span>`)}
  </div>
`;
