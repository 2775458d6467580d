import { styles } from "../parts/styles.js";
import { html } from "../vendor.js";
import { COLOURS } from "./labels.js";

const NEW = "#0b6b5f";

/** A colour of a few, one's own, or none. `value` is `#rrggbb` or ""; `change(value)`. */
export function colourField(value, change) {
  const own = value && !COLOURS.some((colour) => colour.value === value);
  return html`
    <fieldset class="colours">
      <legend>Colour</legend>
      <div class="swatches">
        <label class="swatch swatch-none" title="None">
          <input type="radio" name="label-colour" .checked=${!value} @change=${() => change("")} />
          <span class="visually-hidden">None</span>
        </label>
        ${COLOURS.map(
          (colour) => html`
            <label class="swatch" title=${colour.label} ${styles({ "--swatch": colour.value })}>
              <input
                type="radio"
                name="label-colour"
                .checked=${colour.value === value}
                @change=${() => change(colour.value)}
              />
              <span class="visually-hidden">${colour.label}</span>
            </label>
          `,
        )}
        <label class="swatch-own">
          <input
            type="color"
            .value=${value || NEW}
            aria-label="Another colour"
            @input=${({ target }) => change(target.value)}
          />
          <span aria-hidden="true">${own ? value : "Another…"}</span>
        </label>
      </div>
    </fieldset>
  `;
}
