import { Dialogs } from "./app/dialogs.js";
import { Router } from "./app/router.js";
import { Shell } from "./app/shell.js";
import { Shortcuts } from "./app/shortcuts.js";
import { SignInView } from "./app/sign_in.js";
import { Toasts } from "./app/toasts.js";
import { show } from "./app/view.js";
import { viewNamed } from "./app/views.js";
import { Connection } from "./core/connection.js";
import { Jobs } from "./core/jobs.js";
import { Mutations } from "./core/mutations.js";
import { Rest } from "./core/rest.js";
import { Session } from "./core/session.js";
import { Drafts, openStorage } from "./core/storage.js";
import { Store } from "./core/store.js";
import { sentence } from "./core/texts.js";
import { html } from "./vendor.js";

const SIGNED_OUT = {
  unauthenticated: "This API key is not valid any more. Sign in with another one.",
  key_revoked: "This API key was revoked. Sign in with another one.",
  account_disabled: "Your account was disabled. Ask an admin.",
  expired: "Your session is over. Sign in again.",
  elsewhere: "You signed out in another tab, or signed in there as somebody else.",
};

const CANNOT_KEEP =
  "This browser keeps nothing for Fieldbook, so edits could be lost. Leave private browsing, or allow this site to store data.";

const CANNOT_OPEN =
  "Fieldbook can't be opened. Reload the page; if that does not help, tell whoever runs the server.";
const FAULT = "Something went wrong here. Reload the page, and look whether your edit is there.";

/** What every view is given: see the classes. Made once; who is signed in changes within it. */
class Application {
  constructor(element) {
    this.element = element;
    this.session = new Session();
    this.rest = new Rest(() => this.session.apiKey, this.session.writerId);
    this.router = new Router();
    this.toasts = new Toasts();
    this.dialogs = new Dialogs();
    this.shortcuts = new Shortcuts();
    this.page = null;
    window.addEventListener("storage", () => this.#otherTabChanged());
  }

  /** Shows the dashboard if somebody is signed in, else the page to do that. */
  async start() {
    if (!this.session.apiKey) return this.#showSignIn();
    // Read while the key is looked at. When it can't be read, the shell finds out, too, and says so.
    viewNamed(this.router.route.parts[0] ?? "contacts")
      ?.load()
      .catch(() => null);
    try {
      await this.session.verify(this.rest);
    } catch (error) {
      if (error.passing) return this.#showSignIn(error.message, () => this.#resume());
      return this.signOut(SIGNED_OUT.unauthenticated);
    }
    return this.#showDashboard();
  }

  /** Asks once more whose the key is. Rejects with `ApiError` while the server can't be asked. */
  async #resume() {
    try {
      await this.session.verify(this.rest);
    } catch (error) {
      if (error.passing) throw error;
      return this.signOut(SIGNED_OUT.unauthenticated);
    }
    return this.#showDashboard();
  }

  async #showDashboard() {
    const { agent } = this.session;
    try {
      this.storage ??= await openStorage();
    } catch (error) {
      return this.#showSignIn(`${CANNOT_KEEP} (${error.message})`);
    }
    // Another tab may have signed out meanwhile.
    if (this.session.agent !== agent) return undefined;
    this.drafts = new Drafts(this.storage, agent.id);
    this.connection = new Connection(this.session.head);
    this.mutations = new Mutations(this.storage, this.connection, agent.id);
    this.store = new Store(this.rest, this.connection, this.mutations);
    this.store.addEventListener("loaded", () => this.dialogs.refresh());
    this.jobs = new Jobs(this.rest, this.connection);
    this.connection.addEventListener("revoked", ({ detail }) => this.signOut(SIGNED_OUT[detail]));
    this.connection.open(this.session.apiKey, this.session.writerId);
    await this.mutations.open();
    if (this.session.agent !== agent) return undefined;
    // The view begins to read what it shows at once, beside the labels.
    this.store.load().catch((error) => this.toasts.error(error));
    return this.#show(new Shell(this, this.element, { arrives: this.page !== null }));
  }

  #showSignIn(why = null, resume = null) {
    const done = () => this.#showDashboard();
    this.#show(new SignInView(this, this.element, { why, done, resume }));
  }

  /** Forgets the key. Unsent edits stay in this browser, for when the same agent is back. */
  signOut(why = null) {
    this.session.signOut();
    // The page first: what it keeps as it closes is still the same agent's.
    this.dialogs.closeAll();
    this.toasts.clear();
    this.#showSignIn(why);
    this.connection?.close();
    this.mutations?.close();
  }

  /** Whoever signs out means every tab of this browser. */
  #otherTabChanged() {
    if (this.session.agent && !this.session.kept) this.signOut(SIGNED_OUT.elsewhere);
  }

  #show(page) {
    this.page?.close();
    if (!this.page) {
      // What the document itself brought is no template's.
      this.element.replaceChildren();
      show(this.element, null);
    }
    this.page = page;
    page.open(this.router.route);
  }

  /** The page's title: what is shown, and the product. */
  title(text) {
    document.title = `${sentence(text)} · Fieldbook`;
  }

  /** Says something to screen readers. */
  announce(text) {
    const outlet = document.getElementById("announcements");
    if (outlet) outlet.textContent = sentence(text);
  }
}

/** The last line of defence: a fault of ours must not pass for an edit that was made. */
function watchForFaults({ toasts }) {
  const tell = () => toasts.show(FAULT, { kind: "error" });
  window.addEventListener("error", tell);
  window.addEventListener("unhandledrejection", ({ reason }) => {
    if (reason?.name !== "AbortError") tell();
  });
}

/** Opens the dashboard, or says why there is none: nobody shall wait for what does not come. */
async function begin(element) {
  try {
    const application = new Application(element);
    watchForFaults(application);
    await application.start();
  } catch (error) {
    const why = error.name === "SecurityError" ? CANNOT_KEEP : CANNOT_OPEN;
    element.replaceChildren();
    show(
      element,
      html`<main class="starting"><h1>Fieldbook</h1><p role="alert">${why} (${error.message})</p></main>`,
    );
  }
}

begin(document.getElementById("application"));
