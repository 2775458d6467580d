import { plural } from "../core/times.js";
import { html, nothing } from "../vendor.js";
import { choice, errorsByField, field, formError } from "./field.js";
import { Section } from "./section.js";
import { changedSettings, formOf, SETTINGS, undoOf } from "./settings.js";

const NAMES = SETTINGS.map(({ name }) => name);

/** What the company decides for itself. */
export class SettingsSection extends Section {
  title = "Settings";
  #saved = null;
  #form = null;
  #errors = {};
  #busy = false;

  async read() {
    const saved = await this.application.rest.get("/api/tenant");
    // What somebody is typing stays, over what others have saved meanwhile.
    const typed = this.#form ? changedSettings(this.#saved, this.#form) : {};
    const kept = Object.keys(typed).map((name) => [name, this.#form[name]]);
    this.#saved = saved;
    this.#form = { ...formOf(saved), ...Object.fromEntries(kept) };
  }

  content() {
    const changed = Object.keys(changedSettings(this.#saved, this.#form)).length;
    return html`
      <form class="settings card" novalidate @submit=${this.#submitted} data-test="settings">
        ${formError(this.#errors)} ${SETTINGS.map((setting) => this.#control(setting))}
        <footer class="buttons">
          ${changed ? html`<span class="muted settings-changed" role="status">${plural(changed, "change")} not saved</span>` : nothing}
          <button type="button" class="secondary" ?disabled=${!changed} @click=${this.#reset}>Put back</button>
          <button type="submit" ?disabled=${!changed} aria-busy=${this.#busy}>Save</button>
        </footer>
      </form>
    `;
  }

  #control(setting) {
    const { name, label, help, kind, options } = setting;
    const errors = this.#errors[name];
    const value = this.#form[name];
    const change = (next) => this.#set(name, next);
    if (kind === "choice") return choice({ name, legend: label, options, value, errors, change });
    if (kind === "flag") return this.#flag(setting);
    return field({
      id: `setting-${name}`,
      label,
      help: name === "region" ? html`${help} ${countryName(value)}` : help,
      errors,
      control: ({ id, describedby, invalid }) => html`
        <input
          id=${id}
          class="settings-short"
          maxlength=${kind === "number" ? 4 : setting.most}
          inputmode=${kind === "number" ? "numeric" : "text"}
          autocomplete="off"
          spellcheck="false"
          .value=${value}
          aria-describedby=${describedby}
          aria-invalid=${invalid}
          @input=${({ target }) => change(target.value)}
        />
      `,
    });
  }

  #flag({ name, label, help }) {
    return html`
      <div class="field">
        <label class="check">
          <input
            type="checkbox"
            aria-describedby="setting-${name}-help"
            .checked=${this.#form[name]}
            @change=${({ target }) => this.#set(name, target.checked)}
          />
          ${label}
        </label>
        <small id="setting-${name}-help">${help}</small>
      </div>
    `;
  }

  #set(name, value) {
    this.#form[name] = value;
    delete this.#errors[name];
    this.invalidate();
  }

  #reset() {
    this.#form = formOf(this.#saved);
    this.#errors = {};
    this.invalidate();
  }

  async #submitted(event) {
    event.preventDefault();
    if (this.#busy) return;
    const changes = changedSettings(this.#saved, this.#form);
    if (!Object.keys(changes).length) return;
    const before = undoOf(this.#saved, changes);
    this.#busy = true;
    this.invalidate();
    try {
      this.#take(await this.application.rest.patch("/api/tenant", changes));
      this.application.toasts.show("The settings are saved.", {
        kind: "success",
        action: { label: "Undo", run: () => this.#undo(before) },
      });
    } catch (error) {
      this.#errors = errorsByField(error, NAMES);
    }
    this.#busy = false;
    this.renderNow();
    this.element.querySelector("[aria-invalid]")?.focus();
  }

  /** Works also when the page was left. */
  async #undo(before) {
    const { rest, toasts } = this.application;
    try {
      this.#take(await rest.patch("/api/tenant", before));
      toasts.show("The settings are as before.", { kind: "success" });
    } catch (error) {
      toasts.error(error);
    }
    this.invalidate();
  }

  #take(saved) {
    this.#saved = saved;
    this.#form = formOf(saved);
    this.#errors = {};
  }
}

/** "CH is Switzerland." for what is typed, nothing for what is no country. */
function countryName(code) {
  if (!/^[a-z]{2}$/i.test(code)) return nothing;
  const upper = code.toUpperCase();
  const name = new Intl.DisplayNames(undefined, { type: "region", fallback: "none" }).of(upper);
  return name ? html`<strong>${upper} is ${name}.</strong>` : nothing;
}
