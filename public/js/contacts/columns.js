import { formatDay, formatTime, timeAgo } from "../core/times.js";
import { chip } from "../parts/chips.js";
import { html, nothing } from "../vendor.js";

const CHOSEN = "fieldbook.contacts.columns";
const DEFAULT = ["company", "email", "phone", "tags", "owner", "updated_at"];
const MOST_CHIPS = 2;
const NAME_REM = 12;

/** The columns beside the name: `{title, least (rem), share, sort?, cell(row, store)}`. */
export const COLUMNS = {
  first_name: {
    title: "First name",
    least: 8,
    share: 1,
    sort: "first_name",
    cell: (row) => row.first_name,
  },
  last_name: {
    title: "Last name",
    least: 8,
    share: 1,
    sort: "last_name",
    cell: (row) => row.last_name,
  },
  company: {
    title: "Company",
    least: 9,
    share: 1.5,
    sort: "company",
    cell: (row) => row.company,
  },
  job_title: { title: "Job title", least: 9, share: 1, cell: (row) => row.job_title },
  department: { title: "Department", least: 8, share: 1, cell: (row) => row.department },
  email: { title: "E-mail", least: 11, share: 1.5, cell: (row) => several(row.emails) },
  phone: { title: "Phone", least: 10, share: 1, cell: (row) => several(row.phones) },
  city: {
    title: "City",
    least: 7,
    share: 1,
    cell: (row) => row.addresses?.find(({ city }) => city)?.city,
  },
  tags: {
    title: "Tags",
    least: 9.5,
    share: 1.2,
    cell: (row, store) => chips("tag", row.tag_ids, store),
  },
  groups: {
    title: "Groups",
    least: 9,
    share: 1,
    cell: (row, store) => chips("group", row.group_ids, store),
  },
  types: {
    title: "Types",
    least: 8,
    share: 1,
    cell: (row, store) => chips("type", row.type_ids, store),
  },
  owner: {
    title: "Owner",
    least: 6.5,
    share: 0.8,
    cell: (row, store) => (row.owner_id ? store.agentName(row.owner_id) : ""),
  },
  birthday: { title: "Birthday", least: 7, share: 0.6, cell: (row) => row.birthday },
  notes: { title: "Notes", least: 10, share: 1.5, cell: (row) => row.notes },
  created_at: {
    title: "Created",
    least: 7.5,
    share: 0.6,
    sort: "created_at",
    cell: (row) => time(row.created_at, formatDay),
  },
  updated_at: {
    title: "Changed",
    least: 9.25,
    share: 0.6,
    sort: "updated_at",
    cell: (row) => time(row.updated_at, timeAgo),
  },
};

/** The names of the columns that were chosen in this browser, in the order of `COLUMNS`. */
export function chosenColumns() {
  const kept = localStorage.getItem(CHOSEN);
  const wanted = new Set(kept === null ? DEFAULT : kept.split(","));
  return Object.keys(COLUMNS).filter((name) => wanted.has(name));
}

export function keepColumns(names) {
  localStorage.setItem(CHOSEN, names.join(","));
}

export function forgetColumns() {
  localStorage.removeItem(CHOSEN);
}

/** The widths of a row's cells as CSS properties: of the box to choose it, the name, the columns. */
export function widths(names, choosable) {
  const box = choosable ? 2.75 : 0.5;
  const columns = names.map((name) => COLUMNS[name]);
  const tracks = columns.map(({ least, share }) => `minmax(${least}rem, ${share}fr)`);
  const least = columns.reduce((sum, column) => sum + column.least, box + NAME_REM);
  return {
    "--tracks": `${box}rem minmax(${names.length ? NAME_REM : 0}rem, 1.6fr) ${tracks.join(" ")}`,
    "--least": names.length ? `${least}rem` : "0",
  };
}

/** What stands below the name where there is room for one column alone: one text or two. */
export function secondLine(row) {
  const parts = [
    row.display_name === row.company ? "" : row.company,
    row.emails?.[0]?.value ?? row.phones?.[0]?.value,
  ];
  return parts.filter(Boolean);
}

function several(items = []) {
  if (items.length < 2) return items[0]?.value;
  return html`${items[0].value} <span class="muted">+${items.length - 1}</span>`;
}

function chips(entity, ids = [], store) {
  const rest = ids.length - MOST_CHIPS;
  return html`${ids.slice(0, MOST_CHIPS).map((id) => chip(store.label(entity, id)))}
  ${rest > 0 ? html`<span class="muted">+${rest}</span>` : nothing}`;
}

const time = (value, format) =>
  html`<time datetime=${value} title=${formatTime(value)}>${format(value)}</time>`;
