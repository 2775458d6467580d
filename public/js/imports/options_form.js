import { html, nothing } from "../vendor.js";
import {
  choices,
  DELIMITERS,
  delimiterLabel,
  ENCODINGS,
  encodingLabel,
  FORMATS,
  formatLabel,
  hasDelimiter,
  hasEncoding,
  MATCHES,
  MODES,
  ON_EMPTY,
  regions,
} from "./options.js";
import { select } from "./tables.js";

/** How the file is read: what was recognised, and other choices. Each change is asked of the server. */
export function readingForm(draft) {
  const { options } = draft;
  const detected = draft.answer?.detected ?? null;
  const one = (name, label, known, recognised) =>
    select(label, choices(known, recognised), options[name], (value) => draft.set(name, value));
  return html`
    <div class="import-selects">
      ${one("format", "Format", FORMATS, recognised(options.format, detected?.format, formatLabel))}
      ${
        hasEncoding(detected)
          ? one(
              "encoding",
              "Encoding",
              ENCODINGS,
              recognised(options.encoding, detected?.encoding, encodingLabel),
            )
          : nothing
      }
      ${
        hasDelimiter(detected)
          ? one(
              "delimiter",
              "Between cells",
              DELIMITERS,
              recognised(options.delimiter, detected?.delimiter, delimiterLabel),
            )
          : nothing
      }
    </div>
  `;
}

/** How rows are taken: which contact one means, and what it does to it. */
export function takingForm(draft) {
  const { options } = draft;
  const one = (name, label, known) =>
    select(label, listed(known), options[name], (value) => draft.set(name, value));
  return html`
    <details class="import-details">
      <summary>How rows are taken</summary>
      <div class="import-selects import-selects-wide">
        ${one("mode", "Contacts that are there", MODES)} ${one("match", "A row's contact is found by", MATCHES)}
        ${one("on_empty", "An empty cell", ON_EMPTY)}
        ${select(
          "Country of phones and dates",
          [{ value: "", label: "The company's" }, ...countries()],
          options.region,
          (value) => draft.set("region", value),
          { help: "For phones without a country code, and for dates like 4/12." },
        )}
      </div>
    </details>
  `;
}

// What was asked for was not recognised.
const recognised = (asked, found, label) => (asked === "" && found ? label(found) : null);

const listed = (known) => Object.entries(known).map(([value, label]) => ({ value, label }));

let known = null;
const countries = () => {
  known ??= regions();
  return known;
};
