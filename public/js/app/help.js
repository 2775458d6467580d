import { html } from "../vendor.js";

const KEYS = [
  ["/", "Search"],
  ["j", "Next contact"],
  ["k", "Previous contact"],
  ["Enter", "Open the contact"],
  ["x", "Choose the contact"],
  ["e", "Edit the contact"],
  ["n", "New contact"],
  ["Esc", "Close what is open"],
  ["?", "This help"],
];

/** What the keys do. */
export function openHelp({ dialogs }) {
  return dialogs.open({
    title: "Keyboard",
    body: () => html`
      <dl class="keys">
        ${KEYS.map(([key, what]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`)}
      </dl>
    `,
    buttons: [{ label: "Close", value: true, primary: true }],
  });
}
