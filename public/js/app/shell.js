import { isMendable } from "../core/refusals.js";
import { formatCount } from "../core/times.js";
import { icon } from "../parts/icon.js";
import { failed, skeleton } from "../parts/states.js";
import { html, nothing } from "../vendor.js";
import { arrive } from "./arrival.js";
import { banner } from "./banner.js";
import { openHelp } from "./help.js";
import { Menu } from "./menu.js";
import { askToSignOut } from "./sign_out.js";
import { show, View } from "./view.js";
import { allowed, roleWords, VIEWS, viewNamed, whyNot } from "./views.js";

const NOT_SHOWN =
  "This page could not be loaded. Check the connection, then try again; if that does not help, reload.";
const CONNECTION = { online: "Live", offline: "Offline", connecting: "Connecting…" };

/** What stands around every view: the names of the views, the banner, the toasts. */
export class Shell extends View {
  #view = null;
  #name = null;
  #path = null;
  #opening = 0;
  #unread = false;
  #menu = new Menu(this);
  #main = null;
  /** For whom the view was opened: the session may have learned of another role by itself. */
  #role = null;

  /** `arrives`: it takes another page's place, so that the focus has to go somewhere. */
  constructor(application, element, { arrives = false } = {}) {
    super(application, element);
    this.arrives = arrives;
    this.#role = application.session.role;
  }

  opened() {
    const { connection, mutations, router, shortcuts, toasts } = this.application;
    this.listen(connection, "state", this.#stateChanged);
    this.listen(connection, "agent", this.#agentChanged);
    this.listen(mutations, "waiting", this.invalidate);
    this.listen(mutations, "refused", this.#refused);
    this.listen(mutations, "conflicted", this.#conflicted);
    this.listen(toasts, "changed", this.invalidate);
    this.listen(router, "route", ({ detail }) => this.#show(detail));
    shortcuts.bind(this, { "?": () => openHelp(this.application), "/": () => this.#search() });
    // What was refused as the page was left has been told to nobody.
    for (const mutation of mutations.refusedOf()) {
      if (!mutation.refused.behind && !isMendable(mutation)) this.#tellRefused(mutation);
    }
    // The first connection may be the one that does not come.
    this.#stateChanged();
  }

  routed() {
    this.renderNow();
    this.#main = this.element.querySelector("#view");
    this.#show(this.application.router.route);
  }

  template() {
    const { session, connection, mutations, router, toasts } = this.application;
    return html`
      <a class="skip" href=${router.href(router.route.path, router.route.query)} @click=${this.#skip}>Skip to the content</a>
      <header class="bar">
        <button
          type="button"
          class="icon-button menu-button"
          aria-label="Menu"
          aria-expanded=${this.#menu.open}
          aria-controls="navigation"
          @click=${() => this.#menu.toggle()}
        >
          ${icon("menu")}
        </button>
        <a class="brand" href=${router.href("/contacts")}>
          <img src="/css/icon.svg" alt="" width="24" height="24" />Fieldbook
        </a>
        <span class="bar-space"></span>
        <span class="connection connection-${connection.state}">
          <span class="connection-text" data-test="connection">${CONNECTION[connection.state]}</span>
        </span>
        ${mutations.waiting ? html`<span class="waiting" data-test="waiting">${mutations.waiting} unsent</span>` : nothing}
        ${this.#troubled(mutations.troubled)}
        <a
          class="who"
          href=${router.href("/keys")}
          title="Your keys (${session.agent.code})"
          aria-label="${session.agent.name}: your keys"
        >
          ${icon("contacts")}<span class="who-name">${session.agent.name}</span>
        </a>
        <button type="button" class="icon-button keyboard-help" aria-label="Keyboard help" @click=${() => openHelp(this.application)}>?</button>
        <button type="button" class="icon-button" aria-label="Sign out" @click=${() => askToSignOut(this.application)}>
          ${icon("sign_out")}
        </button>
      </header>
      ${banner(this.application)}
      <div class="frame">
        <nav id="navigation" class="navigation ${this.#menu.open ? "navigation-open" : ""}" aria-label="Views">
          <ul>
            ${Object.entries(VIEWS)
              .filter(([, view]) => !view.hidden && allowed(view, session))
              .map(([name, view]) => this.#link(name, view))}
          </ul>
        </nav>
        <main id="view" tabindex="-1"></main>
      </div>
      ${toasts.template()}
      <div class="visually-hidden" role="status" aria-live="polite" id="announcements"></div>
    `;
  }

  /** Edits that were refused, or met others, and wait to be looked at. */
  #troubled([first, ...more]) {
    if (!first) return nothing;
    const count = formatCount(more.length + 1);
    return html`
      <a class="waiting" data-test="troubled" href=${this.application.router.href(`/contacts/${first}`)}>
        ${count} to look at
      </a>
    `;
  }

  #link(name, view) {
    const here = name === this.#name || (this.#name === "jobs" && name === "import");
    return html`
      <li>
        <a
          href=${this.application.router.href(`/${name}`)}
          aria-current=${here ? "page" : nothing}
          @click=${() => this.#menu.close()}
        >
          ${icon(view.icon)}<span>${view.title}</span>
        </a>
      </li>
    `;
  }

  async #show(route) {
    const name = route.parts[0];
    const view = viewNamed(name);
    if (!view || !allowed(view, this.application.session)) {
      this.#turnAway(name, view);
      return;
    }
    const moved = this.#path !== null && route.path !== this.#path;
    this.#path = route.path;
    // Its question is of the page that is left.
    if (moved) this.application.dialogs.closeAll();
    if (name === this.#name) {
      const { activeElement } = document;
      this.#view?.routed(route);
      // The contacts' list and page know themselves which of them the focus belongs to.
      if (moved && name !== "contacts") this.#arriveSoon(activeElement);
      return;
    }
    const arrives = this.arrives || this.#name !== null;
    this.#name = name;
    // One may have gone elsewhere, and come back, before the view is there.
    const opening = ++this.#opening;
    this.#view?.close();
    this.#view = null;
    this.application.title(view.title);
    this.invalidate();
    show(this.#main, skeleton(8));
    try {
      const { default: ViewClass } = await view.load();
      if (opening !== this.#opening) return;
      this.#unread = false;
      show(this.#main, null);
      this.#view = new ViewClass(this.application, this.#main);
      this.#view.open(this.application.router.route);
      if (arrives) arrive(this.#main, this.application);
      this.arrives = true;
    } catch (error) {
      if (opening !== this.#opening) return;
      // The part may load at another try, when the line is back.
      console.error(error);
      this.#unread = true;
      this.#name = null;
      show(
        this.#main,
        failed(new Error(NOT_SHOWN), () => this.#show(this.application.router.route)),
      );
    }
  }

  /** An address without any page is the contacts', of which nothing needs to be said. */
  #turnAway(name, view) {
    const { router, session, toasts } = this.application;
    if (name) toasts.show(whyNot(view, session));
    router.replace({}, "/contacts");
  }

  /** Shows the view anew for another role: what one may see and do differs on every page. */
  #agentChanged({ detail: agent }) {
    const { router, session, toasts } = this.application;
    session.agent = agent;
    this.invalidate();
    if (agent.role === this.#role) return;
    this.#role = agent.role;
    toasts.show(`Your role was changed: you are ${roleWords(session)} now.`);
    this.#name = null;
    this.#show(router.route);
  }

  /** The search of the view that is shown, else that of contacts. */
  #search() {
    const field = this.#main.querySelector("input[type=search]");
    if (field) field.focus();
    else this.application.router.go("/contacts");
  }

  #skip(event) {
    event.preventDefault();
    this.#main.focus();
  }

  /** Once the view has shown itself anew, which it does with the next frame. */
  #arriveSoon(left) {
    const { application } = this;
    requestAnimationFrame(() => requestAnimationFrame(() => arrive(this.#main, application, left)));
  }

  #stateChanged() {
    const { connection, router } = this.application;
    if (this.#unread && connection.state === "online") this.#show(router.route);
    this.invalidate();
    // Once more when the banner's patience is over.
    setTimeout(() => this.invalidate(), 1_600);
  }

  #refused({ detail: { mutation, error } }) {
    this.#tellRefused({ ...mutation, refused: { code: error.code, message: error.message } });
  }

  /** What can be mended is kept; what can't is kept until this has been read. */
  #tellRefused(mutation) {
    const { mutations, toasts } = this.application;
    const { message } = mutation.refused;
    const action = this.#toContact(mutation);
    if (isMendable(mutation)) {
      const text = `${message} What you entered is kept as a draft.`;
      toasts.show(text, { kind: "error", action, seconds: 30 });
      return;
    }
    const read = () => {
      const told = mutations.refusedOf(mutation.row).filter((each) => !isMendable(each));
      return mutations.dismiss(told.map(({ sequence }) => sequence));
    };
    const { name } = mutation.payload[mutation.event.split("_")[0]] ?? {};
    toasts.show(name ? `“${name}”: ${message}` : message, {
      kind: "error",
      action: action && { ...action, run: () => Promise.all([read(), action.run()]) },
      ended: (isRead) => (isRead ? read() : this.#tellLater(mutation)),
      patient: true,
      seconds: 30,
    });
  }

  /** Nobody has seen it: once more when the page is looked at. */
  #tellLater(mutation) {
    const tell = () => this.#tellRefused(mutation);
    document.addEventListener("visibilitychange", tell, { once: true, signal: this.signal });
  }

  #conflicted({ detail: { mutation, conflicts } }) {
    const fields = conflicts.map(({ field }) => field.replaceAll("_", " ")).join(", ");
    const text = `Your edit met another one: ${fields}. Look at the history to choose.`;
    this.application.toasts.show(text, { action: this.#toContact(mutation), seconds: 30 });
  }

  #toContact(mutation) {
    if (!mutation.event.startsWith("contact_")) return null;
    const { router } = this.application;
    return { label: "Open", run: () => router.go(`/contacts/${mutation.row}`) };
  }

  closed() {
    this.#opening++;
    this.#view?.close();
  }
}
