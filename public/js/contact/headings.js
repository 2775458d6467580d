import { html } from "../vendor.js";

/**
 * Headings of a page that stands beside a list or alone: `heading(1, text)` is an h1 where it is
 * alone, and an h2 beside the list, which has the h1 then.
 */
export function headingsFor(alone) {
  const heading = (level, text) => {
    const rank = alone ? level : level + 1;
    if (rank === 1) return html`<h1 class="contact-name" tabindex="-1">${text}</h1>`;
    if (rank === 2)
      return level === 1
        ? html`<h2 class="contact-name" tabindex="-1">${text}</h2>`
        : html`<h2 class="contact-part">${text}</h2>`;
    return html`<h3 class="contact-part">${text}</h3>`;
  };
  return { heading };
}
