import { html, svg } from "../vendor.js";

/** Drawn on a grid of 24, as strokes of the text's colour. */
const PATHS = {
  activity: svg`<path d="M3 12h4l3 8 4-16 3 8h4"/>`,
  add: svg`<path d="M12 5v14M5 12h14"/>`,
  administration: svg`<path d="M4 7h10M18 7h2M4 17h2M10 17h10"/><circle cx="16" cy="7" r="2"/><circle cx="8" cy="17" r="2"/>`,
  arrow_left: svg`<path d="M19 12H5M11 6l-6 6 6 6"/>`,
  battery: svg`<rect x="3" y="8" width="15" height="8" rx="2"/><path d="M21 11v2"/>`,
  check: svg`<path d="m5 12 5 5 9-10"/>`,
  close: svg`<path d="m6 6 12 12M18 6 6 18"/>`,
  columns: svg`<rect x="4" y="5" width="16" height="14" rx="2"/><path d="M10 5v14M15 5v14"/>`,
  contacts: svg`<circle cx="12" cy="8" r="4"/><path d="M4 20c1-4 4-6 8-6s7 2 8 6"/>`,
  devices: svg`<rect x="7" y="3" width="10" height="18" rx="2"/><path d="M11 18h2"/>`,
  download: svg`<path d="M12 4v11M7 10l5 5 5-5M5 20h14"/>`,
  edit: svg`<path d="M4 20h4L19 9l-4-4L4 16zM13 7l4 4"/>`,
  error: svg`<circle cx="12" cy="12" r="9"/><path d="M12 7v6M12 16v1"/>`,
  filter: svg`<path d="M4 6h16M7 12h10M10 18h4"/>`,
  history: svg`<path d="M4 12a8 8 0 1 0 3-6L4 8M4 4v4h4M12 8v4l3 2"/>`,
  import: svg`<path d="M12 15V4M7 9l5-5 5 5M5 15v5h14v-5"/>`,
  labels: svg`<path d="M4 4h8l8 8-8 8-8-8z"/><circle cx="8.500" cy="8.500" r="1"/>`,
  menu: svg`<path d="M4 7h16M4 12h16M4 17h16"/>`,
  merge: svg`<path d="M6 4v4c0 4 6 4 6 8v4M18 4v4c0 4-6 4-6 8"/>`,
  more: svg`<circle cx="6" cy="12" r="1"/><circle cx="12" cy="12" r="1"/><circle cx="18" cy="12" r="1"/>`,
  offline: svg`<path d="M4 4l16 16M8 12a6 6 0 0 1 2-1M4 9a12 12 0 0 1 4-2M12 7a12 12 0 0 1 8 2M14 11a6 6 0 0 1 2 1M12 18v1"/>`,
  search: svg`<circle cx="11" cy="11" r="6"/><path d="m16 16 4 4"/>`,
  sign_out: svg`<path d="M14 4H5v16h9M10 12h10M16 8l4 4-4 4"/>`,
  sort_down: svg`<path d="M12 5v14M7 14l5 5 5-5"/>`,
  sort_up: svg`<path d="M12 19V5M7 10l5-5 5 5"/>`,
  statistics: svg`<path d="M4 20V4M4 20h16M8 16v-4M12 16V8M16 16v-6"/>`,
  sync: svg`<path d="M4 12a8 8 0 0 1 14-5l2 2M20 5v4h-4M20 12a8 8 0 0 1-14 5l-2-2M4 19v-4h4"/>`,
  trash: svg`<path d="M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5"/>`,
  undo: svg`<path d="M8 5 4 9l4 4M4 9h10a6 6 0 0 1 0 12h-3"/>`,
};

/** A picture beside words; it says nothing to a screen reader. */
export const icon = (name) =>
  html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${PATHS[name]}</svg>`;
