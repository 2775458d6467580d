import { plural } from "../core/times.js";
import { html } from "../vendor.js";

const FORMATS = {
  csv: "CSV, with everything",
  google: "CSV for Google Contacts",
  json: "JSON",
  vcf: "vCard, for phones",
};

/** Saves all contacts that match as a file. */
export async function exportMatching(application, filters, total) {
  const format = await askFormat(application, total);
  if (format)
    await save(application, () =>
      application.rest.download("/api/bulk/export", { ...filters, format }),
    );
}

/** Saves those that are chosen. */
export async function exportChosen(application, ids) {
  const format = await askFormat(application, ids.length);
  if (!format) return;
  const options = { method: "POST", body: { ids } };
  await save(application, () => application.rest.download("/api/bulk/export", { format }, options));
}

async function askFormat({ dialogs }, count) {
  let format = "csv";
  const body = () => html`
    <fieldset>
      <legend>Save ${plural(count, "contact")} as</legend>
      ${Object.entries(FORMATS).map(
        ([value, title]) => html`
          <label>
            <input
              type="radio"
              name="format"
              value=${value}
              .checked=${value === format}
              @change=${() => {
                format = value;
              }}
            />
            ${title}
          </label>
        `,
      )}
    </fieldset>
  `;
  const buttons = [
    { label: "Cancel", value: false },
    { label: "Export", value: true, primary: true },
  ];
  return (await dialogs.open({ title: "Export", body, buttons })) ? format : null;
}

async function save({ toasts }, download) {
  const saving = toasts.show("The file is being made…", { seconds: 600 });
  try {
    const name = await download();
    toasts.show(`Saved as ${name}.`, { kind: "success" });
  } catch (error) {
    toasts.error(error);
  } finally {
    toasts.end(saving);
  }
}
