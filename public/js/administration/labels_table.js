import { formatCount, plural } from "../core/times.js";
import { dot } from "../parts/chips.js";
import { icon } from "../parts/icon.js";
import { html, nothing, repeat } from "../vendor.js";
import { colourName, KINDS } from "./labels.js";

/**
 * Labels as a table. `counts` is a Map of ids; `sort` is an order of `labels.js`, `sorted(order)` asks
 * for another; `change`, `remove` and `merge` are given a label, the last is null where one may not.
 */
export function labelsTable(labels, options) {
  const { kind, sort, sorted } = options;
  const isTag = kind === "tag";
  return html`
    <div class="table-box">
      <table class="cards" data-test="labels">
        <thead>
          <tr>
            ${head("Name", "name", sort, sorted)}
            ${isTag ? head("Category", "category", sort, sorted) : html`<th scope="col">Description</th>`}
            ${head("Contacts", "-contacts", sort, sorted)}
            <th scope="col"><span class="visually-hidden">Actions</span></th>
          </tr>
        </thead>
        <tbody>
          ${repeat(
            labels,
            (label) => label.id,
            (label) => row(label, options),
          )}
        </tbody>
      </table>
    </div>
  `;
}

/** A column's head that sorts by it: `order` first, the other way round at the next click. */
function head(text, order, sort, sorted) {
  const by = order.replace("-", "");
  const here = sort.replace("-", "") === by;
  const next = sort === order ? turned(order) : order;
  const down = sort.startsWith("-");
  return html`
    <th scope="col" aria-sort=${here ? (down ? "descending" : "ascending") : nothing}>
      <button type="button" class="sorter" @click=${() => sorted(next)}>
        ${text} ${here ? icon(down ? "sort_down" : "sort_up") : nothing}
      </button>
    </th>
  `;
}

const turned = (order) => (order.startsWith("-") ? order.slice(1) : `-${order}`);

function row(label, { kind, router, counts, change, merge, remove }) {
  // One that the server has not heard of is on no contact there.
  const count = counts.get(label.id) ?? (label.version === 0 ? 0 : undefined);
  const number = count === undefined ? "…" : formatCount(count);
  const told = count === undefined ? "Contacts" : plural(count, "contact");
  return html`
    <tr>
      <th scope="row" class="cards-title">
        <span class="label-name">
          ${dot(label.color)}<span>${label.name}</span>
          ${label.color ? html`<span class="visually-hidden">(${colourName(label.color)})</span>` : nothing}
          ${label.pending ? html`<span class="badge badge-warning">unsent</span>` : nothing}
        </span>
      </th>
      ${
        kind === "tag"
          ? html`<td data-label="Category" class="wraps">${label.category ?? none}</td>`
          : html`<td data-label="Description" class="wraps">${label.description ?? none}</td>`
      }
      <td data-label="Contacts">
        <a href=${router.href("/contacts", { [kind]: label.id })} aria-label="${told} with the ${KINDS[kind].one} ${label.name}">${number}</a>
      </td>
      <td class="row-actions">
        <button type="button" class="secondary" aria-label="Change ${label.name}" @click=${() => change(label)}>
          Change
        </button>
        ${
          merge
            ? html`<button
                type="button"
                class="secondary"
                aria-label="Merge ${label.name} into another"
                ?disabled=${label.pending}
                @click=${() => merge(label)}
              >
                Merge
              </button>`
            : nothing
        }
        <button type="button" class="secondary" aria-label="Delete ${label.name}" @click=${() => remove(label)}>
          Delete
        </button>
      </td>
    </tr>
  `;
}

const none = html`<span class="muted">–</span>`;
