import { ApiError } from "../core/errors.js";
import { html, nothing } from "../vendor.js";
import { faultOf, keyIn } from "./api_key.js";
import { View } from "./view.js";

const RETRY_S = 5;

/**
 * The page before anything else.
 *
 * `options`: `{why, done, resume}`. `why` is said first; `done()` comes after signing in. With `resume`
 * somebody is signed in, but the server could not be asked: it is asked again until it answers.
 */
export class SignInView extends View {
  #error = null;
  #busy = false;
  #shown = false;

  constructor(application, element, { why = null, done, resume = null }) {
    super(application, element);
    this.why = why;
    this.done = done;
    this.resume = resume;
  }

  opened() {
    this.application.title(this.resume ? "Not connected" : "Sign in");
    if (!this.resume) return;
    this.every(RETRY_S, this.#tryAgain);
    this.listen(window, "online", this.#tryAgain);
  }

  open(route) {
    super.open(route);
    this.#focus();
  }

  template() {
    return html`
      <main class="sign-in">
        <article class="card">
          <h1><img src="/css/icon.svg" alt="" width="28" height="28" />Fieldbook</h1>
          <p class="muted">Your company's contacts, the same on every device.</p>
          ${this.why ? html`<p class="notice" role="status" data-test="why">${this.why}</p>` : nothing}
          ${this.resume ? this.#waiting() : this.#form()}
        </article>
      </main>
    `;
  }

  #form() {
    return html`
      <form novalidate @submit=${this.#submitted}>
        <label for="api-key">API key</label>
        <div class="key-field">
          <input
            id="api-key"
            name="api_key"
            type=${this.#shown ? "text" : "password"}
            autocomplete="current-password"
            autocapitalize="none"
            spellcheck="false"
            required
            aria-invalid=${this.#error ? "true" : nothing}
            aria-describedby="api-key-help"
            @input=${this.#typed}
          />
          <button
            type="button"
            class="secondary"
            aria-pressed=${this.#shown}
            aria-label="Show the key"
            @click=${this.#toggle}
          >
            ${this.#shown ? "Hide" : "Show"}
          </button>
        </div>
        <small id="api-key-help">
          ${
            this.#error
              ? html`<span class="field-error" role="alert">${this.#error.message}</span>`
              : "An admin gives it to you; most begin with fb_."
          }
        </small>
        <label class="check"><input type="checkbox" name="stay" /> Stay signed in on this computer</label>
        <small>
          Only on a computer of your own. Otherwise you are signed out when this tab is closed.
        </small>
        <button type="submit" aria-busy=${this.#busy}>Sign in</button>
      </form>
    `;
  }

  #waiting() {
    return html`
      <p>You are still signed in. Fieldbook tries again every ${RETRY_S} seconds.</p>
      <div class="buttons">
        <button type="button" class="secondary" @click=${this.#useAnother}>Use another key</button>
        <button type="button" aria-busy=${this.#busy} @click=${this.#tryAgain}>Try again</button>
      </div>
    `;
  }

  async #tryAgain() {
    if (this.#busy || !this.resume) return;
    this.#busy = true;
    this.invalidate();
    try {
      await this.resume();
    } catch (error) {
      this.why = error.message;
    }
    this.#busy = false;
    this.invalidate();
  }

  #useAnother() {
    this.resume = null;
    this.why = null;
    this.application.session.signOut();
    this.application.title("Sign in");
    this.renderNow();
    this.#focus();
  }

  async #submitted(event) {
    event.preventDefault();
    if (this.#busy) return;
    const { api_key: field, stay } = event.currentTarget.elements;
    this.#busy = true;
    this.#error = null;
    this.invalidate();
    try {
      await this.#signIn(keyIn(field.value), stay.checked);
    } catch (error) {
      this.#error = error;
      field.focus();
      field.select();
    }
    this.#busy = false;
    this.invalidate();
  }

  async #signIn(key, stay) {
    const fault = faultOf(key);
    if (fault) throw new ApiError("invalid", fault);
    const { session, rest } = this.application;
    try {
      await session.signIn(rest, key, { stay });
    } catch (error) {
      if (error.code !== "unauthenticated") throw error;
      throw new ApiError(error.code, `${error.message} Look whether all of it was pasted.`, error);
    }
    await this.done();
  }

  #typed() {
    if (!this.#error) return;
    this.#error = null;
    this.invalidate();
  }

  #toggle() {
    this.#shown = !this.#shown;
    this.invalidate();
  }

  #focus() {
    this.element.querySelector("input, .buttons button:last-child")?.focus();
  }
}
