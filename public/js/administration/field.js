import { html, nothing } from "../vendor.js";

/**
 * A control with its label, its help and what is wrong with it.
 *
 * `control(attributes)` gives the control's template; `attributes` is `{id, describedby, invalid}` to be
 * put on it, the last two `nothing` where there is nothing to say.
 */
export function field({ id, label, help = null, errors = [], control }) {
  const helpId = help ? `${id}-help` : null;
  const errorId = errors?.length ? `${id}-error` : null;
  const attributes = {
    id,
    describedby: [errorId, helpId].filter(Boolean).join(" ") || nothing,
    invalid: errorId ? "true" : nothing,
  };
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      ${control(attributes)}
      ${errorId ? html`<small id=${errorId} class="field-error" role="alert">${errors.join(" ")}</small>` : nothing}
      ${help ? html`<small id=${helpId}>${help}</small>` : nothing}
    </div>
  `;
}

/**
 * A line of text with its label. `change(text)` is told what is typed, at most `most` characters; `exact`
 * is what is no word of a language, `list` the id of a list of proposals.
 */
export function textField({ value, change, most, exact = false, list = nothing, ...about }) {
  return field({
    ...about,
    control: ({ id, describedby, invalid }) => html`
      <input
        id=${id}
        maxlength=${most}
        autocomplete="off"
        autocapitalize=${exact ? "none" : nothing}
        spellcheck=${exact ? "false" : nothing}
        list=${list}
        .value=${value}
        aria-describedby=${describedby}
        aria-invalid=${invalid}
        @input=${({ target }) => change(target.value)}
      />
    `,
  });
}

/** One of several, each with a line of what it means: `options` are `{value, label, what}`. */
export function choice({ name, legend, options, value, errors = [], change }) {
  const errorId = errors?.length ? `${name}-error` : null;
  return html`
    <fieldset class="choice" aria-describedby=${errorId ?? nothing}>
      <legend>${legend}</legend>
      ${options.map(
        (option) => html`
          <label class="choice-option">
            <input
              type="radio"
              name=${name}
              value=${option.value}
              .checked=${option.value === value}
              @change=${() => change(option.value)}
            />
            <span>${option.label}<small>${option.what}</small></span>
          </label>
        `,
      )}
      ${errorId ? html`<small id=${errorId} class="field-error" role="alert">${errors.join(" ")}</small>` : nothing}
    </fieldset>
  `;
}

/**
 * What the server said of a form, by field; whatever belongs to none of `names` is under "".
 *
 * Of an `ApiError`; the field is a part of the path, like `changes.name`.
 */
export function errorsByField(error, names) {
  const errors = {};
  for (const [path, messages] of Object.entries(error.fields ?? {})) {
    const place = path.split(".").find((part) => names.includes(part)) ?? "";
    errors[place] = [...(errors[place] ?? []), ...messages];
  }
  return Object.keys(errors).length ? errors : { "": [error.message] };
}

/** Whether what a form sends went well; else `form.errors` says by field what is wrong. */
export async function sent(form, names, work) {
  try {
    await work();
    form.errors = {};
    return true;
  } catch (error) {
    form.errors = errorsByField(error, names);
    return false;
  }
}

/** The message that belongs to no field. */
export const formError = (errors) =>
  errors[""]?.length
    ? html`<p class="notice notice-bad" role="alert">${errors[""].join(" ")}</p>`
    : nothing;
