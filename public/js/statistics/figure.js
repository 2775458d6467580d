import { formatCount } from "../core/times.js";
import { html, nothing, ref } from "../vendor.js";
import { Plot } from "./plot.js";

/** A plot with its title, its legend, and the table of its numbers behind it. */
export class Figure {
  #open = false;
  #error = null;
  #plot;

  /** `name` is unique on the page; `changed()` asks to be shown anew. */
  constructor(name, { title, changed }) {
    this.name = name;
    this.title = title;
    this.changed = changed;
    this.#plot = new Plot({
      failed: (error) => {
        this.#error = error;
        changed();
      },
    });
  }

  /**
   * `data` is what the plot shows (see `Plot.show`), `label` says in a sentence what is to be seen,
   * `table` is `{columns: [name], rows: [[head, number or text, …]]}`; `extra` stands beside the title.
   */
  template({ data, label, table, extra = nothing, note = nothing }) {
    this.#plot.show(data);
    const id = `plot-${this.name}`;
    return html`
      <figure class="card plot-figure" aria-labelledby=${id} data-test=${id}>
        <div class="view-head">
          <h2 id=${id}>${this.title}</h2>
          ${extra}
        </div>
        <ul class="plot-legend" aria-hidden="true" ${ref(this.#plot.legend)}></ul>
        ${this.#error ? html`<p class="notice">The plot could not be loaded. The table has its numbers.</p>` : nothing}
        <div class="plot" role="img" aria-label=${label} ${ref(this.#plot.canvas)}></div>
        ${note}
        <details @toggle=${(event) => this.#toggled(event.target.open)}>
          <summary>As a table</summary>
          ${this.#open ? this.#table(table) : nothing}
        </details>
      </figure>
    `;
  }

  #table({ columns, rows }) {
    return html`
      <div class="table-box plot-table" tabindex="0" role="region" aria-label="Table: ${this.title}">
        <table>
          <caption class="visually-hidden">${this.title}</caption>
          <thead>
            <tr>${columns.map((name, index) => html`<th scope="col" class=${index ? "number" : nothing}>${name}</th>`)}</tr>
          </thead>
          <tbody>
            ${rows.map(
              ([head, ...cells]) => html`
                <tr>
                  <th scope="row">${head}</th>
                  ${cells.map((cell) => html`<td class="number">${cellText(cell)}</td>`)}
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    `;
  }

  #toggled(open) {
    if (open === this.#open) return;
    this.#open = open;
    this.changed();
  }

  close() {
    this.#plot.close();
  }
}

const cellText = (cell) => {
  if (cell === null || cell === undefined) return "–";
  return typeof cell === "number" ? formatCount(cell) : cell;
};
