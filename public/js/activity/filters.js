import { hasDay, isDay } from "../core/days.js";
import { labelOf } from "../parts/changes.js";
import { html, live } from "../vendor.js";
import { ENTITIES, FIELDS, OP_CHOICES, ORIGINS, OUTCOMES } from "./words.js";

/** What the address may filter by. */
export const FILTERS = [
  "day",
  "agent",
  "device",
  "entity",
  "op",
  "field",
  "outcome",
  "origin",
  "entity_id",
];

/** The parameters of the address that filter. */
export const filtersIn = (query) =>
  Object.fromEntries(
    FILTERS.filter((name) => query[name] && (name !== "day" || isDay(query.day))).map((name) => [
      name,
      query[name],
    ]),
  );

/** What the server is asked for filters: a day is from midnight to midnight where the browser is. */
export function askedOf({ day, ...others }) {
  if (!day) return others;
  const [year, month, date] = day.split("-").map(Number);
  const midnight = (days) => new Date(year, month - 1, date + days).toISOString();
  return { ...others, since: midnight(0), until: midnight(1) };
}

const first = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * The filters as fields; `choose(name, value)` changes one, `devices` are those to choose from. Where
 * there is little room they are seen only while they are `open`.
 */
export function filterFields(query, { agents, devices, open, choose }) {
  const field = (name, label, choices) => {
    const value = query[name] ?? "";
    const known = choices.some(([choice]) => choice === value);
    const id = `filter-${name}`;
    return html`
      <div>
        <label for=${id}>${label}</label>
        <select id=${id} @change=${(event) => choose(name, event.target.value)}>
          <option value="" .selected=${live(!value)}>All</option>
          ${value && !known ? html`<option value=${value} .selected=${live(true)}>${value}</option>` : ""}
          ${choices.map(([choice, words]) => html`<option value=${choice} .selected=${live(choice === value)}>${words}</option>`)}
        </select>
      </div>
    `;
  };
  const entries = (words, text = String) =>
    Object.entries(words).map(([key, word]) => [key, text(word)]);
  return html`
    <div class="activity-filters ${open ? "activity-filters-open" : ""}" id="activity-filters">
      <div>
        <label for="filter-day">Day</label>
        <input
          type="date"
          id="filter-day"
          .value=${query.day ?? ""}
          @change=${(event) => (hasDay(event) || !event.target.value) && choose("day", event.target.value)}
        />
      </div>
      ${field(
        "agent",
        "Person",
        agents.map(({ id, name }) => [id, name]),
      )}
      ${field("device", "Device", devices)}
      ${field("entity", "What", entries(ENTITIES, first))}
      ${field("op", "Done", entries(OP_CHOICES))}
      ${field(
        "field",
        "Field",
        FIELDS.map((name) => [name, labelOf(name)]),
      )}
      ${field(
        "outcome",
        "Outcome",
        entries(OUTCOMES, ({ word }) => word),
      )}
      ${field("origin", "Came by", entries(ORIGINS))}
    </div>
  `;
}
