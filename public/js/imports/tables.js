import { html, nothing } from "../vendor.js";

/**
 * A table that scrolls within its box, by the keyboard, too. `head` are texts,
 * `rows` templates of `<tr>`; the columns from the `numbers`th on are counts.
 */
export const tableBox = (label, head, rows, kind = "", numbers = head.length) => html`
  <div class="table-box ${kind}" role="region" aria-label=${label} tabindex="0">
    <table>
      <thead>
        <tr>${head.map((text, at) => html`<th scope="col" class=${at < numbers ? "" : "number"}>${text}</th>`)}</tr>
      </thead>
      <tbody>${rows}</tbody>
    </table>
  </div>
`;

/** A part of the page, with a heading of its own; `aside` stands beside that. */
export const part = (title, body, aside = nothing, kind = "") => html`
  <section class="import-part ${kind}">
    <div class="import-part-head"><h2>${title}</h2>${aside}</div>
    ${body}
  </section>
`;

/** A labelled select. `options` are `{value, label}`; `change(value)` is called with what was chosen. */
export function select(label, options, value, change, { help = null, disabled = false } = {}) {
  return html`
    <label class="import-select">
      <span>${label}</span>
      <select ?disabled=${disabled} @change=${(event) => change(event.currentTarget.value)}>
        ${options.map(
          (option) =>
            html`<option value=${option.value} ?selected=${option.value === value}>${option.label}</option>`,
        )}
      </select>
      ${help ? html`<small>${help}</small>` : nothing}
    </label>
  `;
}
