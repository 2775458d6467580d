import { hasDay } from "../core/days.js";
import { formatCount } from "../core/times.js";
import { icon } from "../parts/icon.js";
import { html, nothing } from "../vendor.js";
import { filtersInWords, NOBODY, SORTS, sortOf, withoutFilter } from "./query.js";

const EITHER = [
  ["", "Any"],
  ["true", "Yes"],
  ["false", "No"],
];

/** The panel of filters; `change({name: value})` sets some in the address. */
export function filterPanel(query, store, change) {
  const agents = store.agents().map(({ id, name }) => [id, name]);
  const owners = [["", "Anybody"], [NOBODY, "Nobody"], ...agents];
  const labels = (entity, title) => labelFilter(entity, title, query, store, change);
  return html`
    <form class="filters" id="filters" aria-label="Filters" @submit=${(event) => event.preventDefault()}>
      ${select("Owner", "owner_id", query, owners, change)}
      ${labels("tag", "Tag")} ${labels("group", "Group")} ${labels("type", "Type")}
      <label>
        Company
        <input
          name="company"
          placeholder="Its whole name"
          .value=${query.company ?? ""}
          autocomplete="off"
          @change=${(event) => change({ company: event.target.value })}
        />
      </label>
      ${select("Has an e-mail", "has_email", query, EITHER, change)}
      ${select("Has a phone", "has_phone", query, EITHER, change)}
      ${select("Active", "active", query, EITHER, change)}
      <label>
        Changed since
        <input
          type="date"
          name="updated_since"
          .value=${(query.updated_since ?? "").slice(0, 10)}
          @change=${(event) => (hasDay(event) || !event.target.value) && change({ updated_since: event.target.value })}
        />
      </label>
      <label class="filter-check">
        <input
          type="checkbox"
          name="deleted"
          .checked=${query.deleted === "true"}
          @change=${(event) => change({ deleted: event.target.checked ? "true" : null })}
        />
        Only deleted ones
      </label>
    </form>
  `;
}

/** The filters that hold, each with a way to take it away. */
export function filterChips(query, store, go) {
  const words = filtersInWords(query, store);
  if (!words.length) return nothing;
  return html`
    <ul class="filter-chips" aria-label="Filters that hold">
      ${words.map(
        (filter) => html`
          <li>
            <button type="button" class="filter-chip" aria-label="Remove the filter ${filter.text}" @click=${() => go(withoutFilter(query, filter))}>
              ${filter.text} ${icon("close")}
            </button>
          </li>
        `,
      )}
      ${
        words.length > 1
          ? html`<li><button type="button" class="quiet" @click=${() => go(words.reduce(withoutFilter, query))}>Clear the filters</button></li>`
          : nothing
      }
    </ul>
  `;
}

/** The order, where there are no heads of columns to click. */
export function sortSelect(query, change) {
  const { field, descending } = sortOf(query);
  const options = Object.entries(SORTS).flatMap(([name, title]) => {
    const times = name.endsWith("_at");
    return [
      [name, `${title}, ${times ? "oldest first" : "A to Z"}`],
      [`-${name}`, `${title}, ${times ? "newest first" : "Z to A"}`],
    ];
  });
  const now = `${descending ? "-" : ""}${field}`;
  return html`
    <select class="sort-select" aria-label="Sort by" @change=${(event) => change({ sort: event.target.value })}>
      ${options.map(([value, text]) => html`<option value=${value} .selected=${value === now}>${text}</option>`)}
    </select>
  `;
}

function select(title, name, query, options, change) {
  return html`
    <label>
      ${title}
      <select name=${name} @change=${(event) => change({ [name]: event.target.value })}>
        ${options.map(
          ([value, text]) =>
            html`<option value=${value} .selected=${value === (query[name] ?? "")}>${text}</option>`,
        )}
      </select>
    </label>
  `;
}

/** Each choice adds one; any of several will do. */
function labelFilter(entity, title, query, store, change) {
  const chosen = query[entity] ?? [];
  const add = (event) => {
    const { value } = event.target;
    event.target.value = "";
    if (value) change({ [entity]: [...chosen, value] });
  };
  const left = store.labels(entity).filter(({ id }) => !chosen.includes(id));
  return html`
    <label>
      ${title}${chosen.length ? ` (${formatCount(chosen.length)})` : ""}
      <select name=${entity} @change=${add}>
        <option value="">${chosen.length ? "Or another…" : "Any"}</option>
        ${left.map(({ id, name }) => html`<option value=${id}>${name}</option>`)}
      </select>
    </label>
  `;
}
