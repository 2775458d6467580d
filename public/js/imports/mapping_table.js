import { plural } from "../core/times.js";
import { html, live, nothing } from "../vendor.js";
import { customPath, fieldGroups } from "./fields.js";
import { columnValues } from "./preview_columns.js";
import { tableBox } from "./tables.js";

const LEFT_OUT = "";
const OTHER = "\n";
// As many selects are made at once without a pause that one feels.
const AT_ONCE = 60;

/** Which column goes to which field, each with a select. `all` shows also those after the first sixty. */
export function mappingTable(draft, application, { all, showAll }) {
  const { answer } = draft;
  const shown = all ? answer.samples : answer.samples.slice(0, AT_ONCE);
  const rows = shown.map(({ column }) => row(draft, application, column));
  return html`
    ${tableBox("Columns", ["Column", "Its first values", "Goes to"], rows, "mapping")}
    ${
      shown.length < answer.samples.length
        ? html`<button type="button" class="secondary import-more" @click=${showAll}>
            Show all ${plural(answer.samples.length, "column")}
          </button>`
        : nothing
    }
  `;
}

function row(draft, application, column) {
  const { answer, wishes } = draft;
  const mapping = { ...answer.mapping, ...wishes };
  const path = mapping[column] ?? null;
  const values = columnValues(column, answer.mapping[column], answer.samples, answer.preview);
  const wished = Object.hasOwn(wishes, column);
  return html`
    <tr class=${path === null ? "mapping-left-out" : ""}>
      <th scope="row" class="mapping-column">${column}</th>
      <td class="mapping-values">
        ${values.length ? values.map((value) => html`<span class="mapping-value">${value}</span> `) : "empty"}
      </td>
      <td class="mapping-field">
        <select aria-label=${`Field of ${column}`} @change=${(event) => chosen(event, draft, application, column)}>
          <option value=${LEFT_OUT} .selected=${live(path === null)}>Leave out</option>
          ${fieldGroups(column, path, mapping).map(
            ({ label, options }) => html`
              <optgroup label=${label}>
                ${options.map(
                  (option) => html`
                    <option value=${option.path} .selected=${live(option.path === path)}>${option.label}</option>
                  `,
                )}
              </optgroup>
            `,
          )}
          <option value=${OTHER}>Another custom field…</option>
        </select>
        ${wished ? html`<span class="badge badge-accent">changed</span>` : nothing}
      </td>
    </tr>
  `;
}

async function chosen(event, draft, application, column) {
  const { value } = event.currentTarget;
  if (value !== OTHER) {
    draft.wish(column, value === LEFT_OUT ? null : value);
    return;
  }
  const name = await askForName(application.dialogs, column);
  if (name) draft.wish(column, customPath(name));
  else draft.dispatchEvent(new CustomEvent("changed"));
}

/** The name of a custom field, or null. */
async function askForName(dialogs, column) {
  let name = "";
  const agreed = await dialogs.open({
    title: `Custom field for ${column}`,
    body: () => html`
      <label>
        Name of the custom field
        <input
          autofocus
          maxlength="100"
          .value=${name}
          @input=${(event) => {
            name = event.currentTarget.value;
          }}
        />
      </label>
    `,
    buttons: [
      { label: "Cancel", value: false },
      { label: "Use it", value: true, primary: true, check: () => name.trim() !== "" },
    ],
  });
  return agreed ? name.trim() : null;
}

/** What the columns go to in one sentence, for screen readers and above the table. */
export function mappingSummary({ mapping }) {
  const paths = Object.values(mapping);
  const left = paths.filter((path) => path === null).length;
  const custom = paths.filter((path) => path?.startsWith("custom.")).length;
  const parts = [`${plural(paths.length, "column")}`];
  if (custom) parts.push(`${plural(custom, "custom field")}`);
  if (left) parts.push(`${left} left out`);
  return parts.join(", ");
}
