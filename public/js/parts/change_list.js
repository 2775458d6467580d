import { html, nothing } from "../vendor.js";
import { describeChanges } from "./changes.js";

/**
 * What an entry of the history or audit log changed: each field, from → to. Nothing if it is none.
 * Of more lines than `most` the others are folded.
 */
export function changeList(changes, store, { most = Number.POSITIVE_INFINITY } = {}) {
  const lines = describeChanges(changes, store);
  if (!lines.length) return nothing;
  if (lines.length <= most + 1) return list(lines);
  return html`
    ${list(lines.slice(0, most))}
    <details class="changes-more">
      <summary>${lines.length - most} more</summary>
      ${list(lines.slice(most))}
    </details>
  `;
}

const list = (lines) => html`
  <dl class="changes">
    ${lines.map((line) => html`<div><dt>${line.label}</dt><dd>${line.added ? members(line) : fromTo(line)}</dd></div>`)}
  </dl>
`;

// The texts keep their own line breaks, so the templates have none between them.
const members = ({ added, removed }) =>
  [...removed.map(taken), ...added.map(given)].map((one, at) => html`${at ? ", " : nothing}${one}`);
const taken = (text) => html`<del><span class="visually-hidden">taken away: </span>${text}</del>`;
const given = (text) => html`<ins><span class="visually-hidden">added: </span>${text}</ins>`;

function fromTo({ from, to }) {
  if (!from) return html`<ins>${to || "nothing"}</ins>`;
  const before = html`<del><span class="visually-hidden">from </span>${from}</del> <span aria-hidden="true">→</span> `;
  return [
    before,
    to ? html`<ins><span class="visually-hidden">to </span>${to}</ins>` : html`<em>nothing</em>`,
  ];
}
