import { View } from "../app/view.js";
import { formatCount, formatLength, plural } from "../core/times.js";
import { icon } from "../parts/icon.js";
import { failed, nothingFound, nothingYet, skeleton } from "../parts/states.js";
import { html, live, nothing } from "../vendor.js";
import { enrol } from "./enrol.js";
import { inPlace, nextSort, sorted } from "./order.js";
import { deviceTable, sortChooser } from "./table.js";
import { CARDS } from "./words.js";

// Shown at once, and given by the server at once.
const PAGE = 200;
const ANSWERED = 500;
const LIVE_SECONDS = 5;
const TYPING_MS = 200;

/** How all devices are: counts that filter, and a table that is asked anew every 5 s. */
export class DeviceListView extends View {
  #devices = null;
  #health = null;
  #error = null;
  #query = {};
  #asked = 0;
  #typing = null;
  #typed = null;
  #anew = true;
  #ticks = 0;

  opened() {
    this.every(LIVE_SECONDS, this.#refresh);
    this.listen(this.application.connection, "stale", this.#read);
    this.application.shortcuts.bind(this, {
      "/": () => this.element.querySelector("input[type=search]").focus(),
    });
  }

  routed(route) {
    const { sort, page, ...others } = route.query;
    const { sort: sortedBy, page: pageBefore, ...before } = this.#query;
    this.#query = route.query;
    this.application.title("Devices");
    if (this.#devices && JSON.stringify(others) === JSON.stringify(before)) {
      if (sort !== sortedBy) this.#devices = sorted(this.#devices, sort);
      this.invalidate();
    } else this.#read({ anew: true });
  }

  /** Asks again every 5 s, of more devices than one answer holds the more seldom. */
  #refresh() {
    const answers = Math.ceil((this.#devices?.length ?? 0) / ANSWERED);
    if (this.#ticks++ % Math.max(1, answers) === 0) this.#read();
  }

  /** Asks for all devices; `anew` puts them in order, else each keeps its place. */
  async #read({ anew = false } = {}) {
    const { rest } = this.application;
    const { show, search } = this.#query;
    const turn = ++this.#asked;
    // An asking that comes before the answer to this one puts them in order in its place.
    this.#anew ||= anew;
    try {
      const [devices, health] = await Promise.all([
        rest.all("/api/devices", { ...CARDS[show]?.query, search }),
        rest.get("/api/devices/health", {}, { signal: this.signal }),
      ]);
      if (turn !== this.#asked) return;
      const shown = this.#anew ? null : this.#devices;
      this.#devices = shown ? inPlace(shown, devices) : sorted(devices, this.#query.sort);
      this.#anew = false;
      this.#health = health;
      this.#error = null;
    } catch (error) {
      if (this.signal.aborted || turn !== this.#asked) return;
      this.#error = error;
    }
    this.invalidate();
  }

  get #pages() {
    return Math.ceil((this.#devices?.length ?? 0) / PAGE);
  }

  get #page() {
    const page = (Number.parseInt(this.#query.page, 10) || 1) - 1;
    return Math.max(0, Math.min(page, this.#pages - 1));
  }

  template() {
    const { session } = this.application;
    return html`
      <div class="view-head">
        <h1>${session.leads ? "Devices" : "Your devices"}</h1>
        ${this.#summary()}
        ${
          session.leads
            ? html`<button type="button" @click=${() => this.#enrol()}>${icon("add")}Enrol a phone</button>`
            : nothing
        }
      </div>
      ${this.#cards()}
      <search class="devices-tools">
        <input
          type="search"
          aria-label="Search devices"
          placeholder="Name, model, app, agent or id"
          .value=${live(this.#typed ?? this.#query.search ?? "")}
          @input=${(event) => this.#search(event.target.value)}
        />
        ${sortChooser(this.#query.sort, (sort) => this.#ask({ sort, page: "" }))}
      </search>
      ${this.#content()}
    `;
  }

  #summary() {
    if (!this.#health?.total) return nothing;
    const { lag, queue } = this.#health;
    const behind = lag.versions
      ? `${plural(lag.versions, "version")} behind at most (${formatLength(lag.seconds)})`
      : "all up to date";
    return html`<span class="muted">${behind}, ${plural(queue.size, "edit")} waiting</span>`;
  }

  #cards() {
    const { show } = this.#query;
    const card = (name, word, badge, count) => html`
      <button
        type="button"
        class="count-card count-${count ? badge : "plain"}"
        aria-pressed=${(show ?? "") === name}
        data-test="card-${name || "all"}"
        @click=${() => this.#ask({ show: show === name ? "" : name, page: "" })}
      >
        <span class="count">${this.#health ? formatCount(count) : "…"}</span>
        <span>${word}</span>
      </button>
    `;
    return html`
      <div class="count-cards" role="group" aria-label="Filter by state">
        ${card("", "All", "plain", this.#health?.total)}
        ${Object.entries(CARDS).map(([name, { word, badge, count }]) =>
          card(name, word, badge, this.#health && count(this.#health)),
        )}
      </div>
    `;
  }

  #content() {
    if (this.#error && !this.#devices) {
      return failed(this.#error, () => this.#read({ anew: true }));
    }
    if (!this.#devices) return skeleton(8);
    if (!this.#devices.length) return this.#empty();
    return html`
      ${this.#error ? html`<p class="notice" role="status">${this.#error.message}</p>` : nothing}
      ${deviceTable(this.#devices.slice(this.#page * PAGE, (this.#page + 1) * PAGE), {
        href: (id) => this.application.router.href(`/devices/${encodeURIComponent(id)}`),
        sort: this.#query.sort,
        resort: (column) => this.#ask({ sort: nextSort(this.#query.sort, column), page: "" }),
      })}
      ${this.#pager()}
    `;
  }

  #empty() {
    const { show, search } = this.#query;
    if (show || search) {
      return nothingFound("No device is like that.", () => this.application.router.replace({}));
    }
    return nothingYet("No device has connected yet. A phone appears here once it signs in.");
  }

  #pager() {
    const last = this.#pages - 1;
    if (last < 1) return nothing;
    const first = this.#page * PAGE;
    const end = Math.min(first + PAGE, this.#devices.length);
    const go = (page) => this.#ask({ page: page ? page + 1 : "" });
    return html`
      <nav class="pages" aria-label="Pages of devices">
        <button type="button" class="secondary" ?disabled=${this.#page === 0} @click=${() => go(this.#page - 1)}>
          Previous
        </button>
        <span>
          ${formatCount(first + 1)} to ${formatCount(end)} of ${formatCount(this.#devices.length)}
        </span>
        <button type="button" class="secondary" ?disabled=${this.#page >= last} @click=${() => go(this.#page + 1)}>
          Next
        </button>
      </nav>
    `;
  }

  #search(search) {
    clearTimeout(this.#typing);
    // What is being typed is not in the address yet, and stays in the field.
    this.#typed = search;
    this.#typing = setTimeout(() => {
      this.#typed = null;
      this.#ask({ search, page: "" });
    }, TYPING_MS);
  }

  #ask(changes) {
    const { router } = this.application;
    router.replace({ ...this.#query, ...changes });
  }

  async #enrol() {
    if (await enrol(this.application)) this.#read({ anew: true });
  }

  closed() {
    clearTimeout(this.#typing);
  }
}
