import { html } from "../vendor.js";

/** What the keys do, by where they do it; several that do the same stand in one line. */
const GROUPS = [
  {
    title: "Everywhere",
    keys: [
      [["/"], "Search"],
      [["Esc"], "Close what is open; leave a search"],
      [["?"], "This help"],
    ],
  },
  {
    title: "In the list of contacts",
    keys: [
      [["j", "↓"], "Next contact"],
      [["k", "↑"], "Previous contact"],
      [["Page ↓", "Page ↑"], "A screen further, or back"],
      [["Home", "End"], "First, last contact"],
      [["Enter", "e"], "Open the contact"],
      [["x", "Space"], "Choose the contact, or leave it out"],
      [["Shift x", "Shift ↓"], "Choose all from the last one chosen to here"],
      [["n"], "New contact"],
      [["Delete"], "Delete the contact, which can be undone"],
    ],
  },
  {
    title: "On a contact's page",
    keys: [
      [["e"], "Edit it"],
      [["Ctrl Enter"], "Save"],
      [["Esc"], "Leave the form"],
    ],
  },
];

/** What the keys do. */
export function openHelp({ dialogs }) {
  return dialogs.open({
    title: "Keyboard",
    body: () => html`
      ${GROUPS.map(
        ({ title, keys }) => html`
          <h3>${title}</h3>
          <dl class="keys">
            ${keys.map(
              ([names, what]) => html`
                <div>
                  <dt>${names.map((name) => html`<kbd>${name}</kbd> `)}</dt>
                  <dd>${what}</dd>
                </div>
              `,
            )}
          </dl>
        `,
      )}
      <p class="muted">Letters do nothing while you type in a field.</p>
    `,
    buttons: [{ label: "Close", value: true, primary: true }],
  });
}
