import { html, nothing } from "../vendor.js";
import { styles } from "./styles.js";

const COLOUR = /^#[0-9a-f]{6}$/i;

/** A label of a contact: its name, and its colour as a dot beside it. */
export const chip = (label) =>
  html`<span class="chip">${dot(label?.color)}<span class="chip-name">${label?.name ?? "…"}</span></span>`;

/** The dot of a colour, nothing without one. */
export const dot = (color) =>
  COLOUR.test(color ?? "")
    ? html`<span class="chip-dot" ${styles({ "background-color": color })}></span>`
    : nothing;
