import { formatLength, formatTime, plural, serverNow, timeAgo } from "../core/times.js";
import { icon } from "../parts/icon.js";
import { html, live, nothing, repeat } from "../vendor.js";
import { batteryText, clockIsWrong, clockText, nameOf, STATES } from "./words.js";

const COLUMNS = [
  ["name", "Device"],
  ["agent", "Agent"],
  ["state", "State"],
  ["last_seen", "Last seen"],
  ["behind", "Behind"],
  ["queue", "Queue"],
  ["app", "App"],
  ["battery", "Battery"],
  ["network", "Network"],
  ["clock", "Clock"],
];

/**
 * Devices as a table, on a phone as cards. `href(id)` is a device's page, `sort` how they are
 * sorted, `resort(column)` is called when a column's name is pressed.
 */
export function deviceTable(devices, { href, sort, resort }) {
  return html`
    <div class="table-box devices-table">
      <table>
        <caption class="visually-hidden">Devices</caption>
        <thead>
          <tr>
            ${COLUMNS.map(([column, title]) => heading(column, title, sort, resort))}
          </tr>
        </thead>
        <tbody>
          ${repeat(
            devices,
            ({ id }) => id,
            (device) => row(device, href),
          )}
        </tbody>
      </table>
    </div>
  `;
}

/** How the cards of a phone's screen are sorted, where there are no columns to press. */
export const sortChooser = (sort, choose) => html`
  <select class="devices-sort" aria-label="Sort devices" @change=${(event) => choose(event.target.value)}>
    <option value="" .selected=${live(!sort)}>Sort by…</option>
    ${COLUMNS.map(
      ([column, title]) => html`
        <option value=${column} .selected=${live(sort === column)}>${title}, least first</option>
        <option value="-${column}" .selected=${live(sort === `-${column}`)}>${title}, most first</option>
      `,
    )}
  </select>
`;

function heading(column, title, sort, resort) {
  const order = { [column]: "ascending", [`-${column}`]: "descending" }[sort] ?? "none";
  return html`
    <th scope="col" aria-sort=${order}>
      <button type="button" class="column" @click=${() => resort(column)}>
        ${title}${order === "none" ? nothing : icon(order === "ascending" ? "sort_up" : "sort_down")}
      </button>
    </th>
  `;
}

const row = (device, href) => html`
  <tr data-test="device" data-id=${device.id}>
    <th scope="row">
      <a class="device-link" href=${href(device.id)} title=${nameOf(device)}>${nameOf(device)}</a>
      ${device.name && device.model ? html`<small class="device-model" title=${device.model}>${device.model}</small>` : nothing}
    </th>
    <td class="device-text" data-label="Agent" title=${device.agent.name}>${device.agent.name}</td>
    <td data-label="State">${stateBadge(device.state)}</td>
    <td data-label="Last seen">${time(device.last_seen, "never")}</td>
    <td data-label="Behind">${behind(device.lag)}</td>
    <td data-label="Queue">${queue(device)}</td>
    <td class="device-text" data-label="App" title=${device.app_version ?? nothing}>${app(device)}</td>
    <td data-label="Battery">${batteryText(device.battery) || unknown}</td>
    <td class="device-text" data-label="Network" title=${device.network ?? nothing}>${device.network || unknown}</td>
    <td data-label="Clock">${clock(device)}</td>
  </tr>
`;

const unknown = html`<span class="muted" aria-label="unknown">–</span>`;

/** A device's state in a word, its colour beside it. */
export function stateBadge(state) {
  const { word, badge, help } = STATES[state] ?? { word: state, badge: "plain" };
  return html`<span class="badge badge-${badge}" title=${help ?? nothing} data-test="state">${word}</span>`;
}

/** A time as "5 minutes ago", exactly in its title. */
export function time(at, none = "–") {
  if (!at) return html`<span class="muted">${none}</span>`;
  return html`<time datetime=${at} title=${formatTime(at)}>${timeAgo(at)}</time>`;
}

/** How far it is behind, in versions and in time. */
export function behind({ versions, seconds }) {
  if (!versions) return html`<span class="muted">up to date</span>`;
  return html`${plural(versions, "version")}<small>${formatLength(seconds)}</small>`;
}

/** How many edits wait on the device, since when; marked when they are stuck. */
export function queue({ queue: { size, oldest_at, stuck } }) {
  if (!size) return html`<span class="muted">empty</span>`;
  const age = (serverNow() - Date.parse(oldest_at)) / 1_000;
  const since = oldest_at
    ? html`<small title=${formatTime(oldest_at)}>oldest ${formatLength(age)}</small>`
    : nothing;
  return html`${plural(size, "edit")} ${stuck ? html`<span class="badge badge-bad">stuck</span>` : nothing}${since}`;
}

/** The app's version, marked when it is older than the company allows. */
export function app({ app_version, app_outdated }) {
  if (!app_version) return unknown;
  return html`${app_version} ${app_outdated ? html`<small><span class="badge badge-warning">outdated</span></small>` : nothing}`;
}

/** How right its clock is, marked when it is more than a minute wrong. */
export function clock({ clock_skew_ms }) {
  const text = clockText(clock_skew_ms);
  if (!text) return unknown;
  return clockIsWrong(clock_skew_ms)
    ? html`<span class="badge badge-warning">${text}</span>`
    : text;
}
