import { html } from "../vendor.js";
import { COLUMNS, chosenColumns, forgetColumns, keepColumns } from "./columns.js";

/** Asks which columns to show, and keeps that in this browser. Resolves with their names, or null. */
export async function chooseColumns({ dialogs }, now) {
  const chosen = new Set(now);
  const body = () => html`
    <fieldset class="column-choice">
      <legend>Beside the name</legend>
      ${Object.entries(COLUMNS).map(
        ([name, { title }]) => html`
          <label>
            <input
              type="checkbox"
              name=${name}
              .checked=${chosen.has(name)}
              @change=${({ target }) => (target.checked ? chosen.add(name) : chosen.delete(name))}
            />
            ${title}
          </label>
        `,
      )}
    </fieldset>
  `;
  const buttons = [
    { label: "As at first", value: "reset" },
    { label: "Cancel", value: null },
    { label: "Show these", value: "keep", primary: true },
  ];
  const answer = await dialogs.open({ title: "Columns", body, buttons });
  if (answer === "reset") forgetColumns();
  else if (answer === "keep") keepColumns(Object.keys(COLUMNS).filter((name) => chosen.has(name)));
  else return null;
  return chosenColumns();
}
