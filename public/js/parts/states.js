import { html } from "../vendor.js";
import { icon } from "./icon.js";

/** Grey bars in place of what is still on its way. */
export const skeleton = (rows = 5) => html`
  <div class="skeleton" role="status" aria-label="Loading">
    ${Array.from({ length: rows }, () => html`<div class="skeleton-row"></div>`)}
  </div>
`;

/** There is nothing of its kind in the company; `action` is a template, how to make the first. */
export const nothingYet = (text, action = null) => html`
  <div class="state" data-test="nothing-yet"><p>${text}</p>${action}</div>
`;

/** There is something, but not this; `clear` takes the filters away. */
export const nothingFound = (text, clear = null) => html`
  <div class="state" data-test="nothing-found">
    <p>${text}</p>
    ${clear ? html`<button type="button" class="secondary" @click=${clear}>Clear the filters</button>` : null}
  </div>
`;

/** It could not be read; `retry` tries again. */
export const failed = (error, retry) => html`
  <div class="state state-failed" role="alert" data-test="failed">
    ${icon("error")}
    <p>${error.message}</p>
    ${retry ? html`<button type="button" class="secondary" @click=${retry}>Try again</button>` : null}
  </div>
`;
