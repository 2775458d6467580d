import { html, nothing } from "../vendor.js";
import { View } from "./view.js";

/** The page before anything else. `options`: `{why, done}`, what to say first and what comes next. */
export class SignInView extends View {
  #error = null;
  #busy = false;

  constructor(application, element, { why = null, done }) {
    super(application, element);
    this.why = why;
    this.done = done;
  }

  opened() {
    this.application.title("Sign in");
  }

  template() {
    return html`
      <main class="sign-in">
        <article class="card">
          <h1>Fieldbook</h1>
          <p>Your company's contacts, the same on every device.</p>
          ${this.why ? html`<p class="notice" role="status">${this.why}</p>` : nothing}
          <form novalidate @submit=${this.#submitted}>
            <label for="api-key">API key</label>
            <input
              id="api-key"
              name="api_key"
              type="password"
              autocomplete="current-password"
              spellcheck="false"
              required
              aria-invalid=${this.#error ? "true" : nothing}
              aria-describedby="api-key-help"
            />
            <small id="api-key-help" role=${this.#error ? "alert" : nothing}>
              ${this.#error?.message ?? "It begins with fb_; an admin gives it to you."}
            </small>
            <label><input type="checkbox" name="stay" /> Stay signed in on this computer</label>
            <button type="submit" aria-busy=${this.#busy}>Sign in</button>
          </form>
        </article>
      </main>
    `;
  }

  async #submitted(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const { session, rest } = this.application;
    this.#busy = true;
    this.#error = null;
    this.invalidate();
    try {
      await session.signIn(rest, form.elements.api_key.value.trim(), {
        stay: form.elements.stay.checked,
      });
      this.done();
    } catch (error) {
      this.#error = error;
      form.elements.api_key.focus();
    }
    this.#busy = false;
    this.invalidate();
  }
}
