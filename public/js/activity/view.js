import { View } from "../app/view.js";
import { formatDay, plural, serverNow } from "../core/times.js";
import { icon } from "../parts/icon.js";
import { failed, nothingFound, nothingYet, skeleton } from "../parts/states.js";
import { html, nothing, repeat } from "../vendor.js";
import { entryRow } from "./entry.js";
import { byDay, Feed } from "./feed.js";
import { askedOf, filterFields, filtersIn } from "./filters.js";
import { Names } from "./names.js";

const PAGE = 50;
const LIVE_SECONDS = 3;
const CATCH_UP_PAGES = 5;
// After a change, until the next asking: many changes at once are asked for together.
const SOON_MS = 700;
// Further down than this one reads, and nothing may move.
const AT_TOP = 40;

/** Everything that was done, live: `#/activity?agent=…&device=…&entity=contact&op=update`. */
export default class ActivityView extends View {
  #feed = new Feed();
  #newest = null;
  #filters = null;
  #filtersOpen = false;
  #names;
  #loaded = false;
  #error = null;
  #busy = false;
  #reading = false;
  #pointed = false;
  #turn = 0;
  #soon = null;

  opened() {
    const { store, connection } = this.application;
    this.application.title("Activity");
    this.listen(store, "changed", () => this.#changed());
    this.listen(connection, "stale", this.#news);
    this.listen(this.element, "scroll", () => this.#release());
    this.every(LIVE_SECONDS, this.#news);
    this.#names = new Names(this.application, () => this.invalidate());
    this.#names.readDevices();
  }

  routed({ query }) {
    const filters = filtersIn(query);
    if (this.#filters && JSON.stringify(filters) === JSON.stringify(this.#filters)) return;
    this.#filters = filters;
    this.#read();
    this.invalidate();
  }

  /** The list from its beginning, as after a change of the filters. */
  async #read() {
    const turn = ++this.#turn;
    this.#loaded = false;
    try {
      const page = await this.#ask();
      if (turn !== this.#turn) return;
      this.#feed.begin(page);
      this.#error = null;
    } catch (error) {
      if (this.signal.aborted || turn !== this.#turn) return;
      this.#error = error;
    }
    this.#loaded = true;
    this.invalidate();
  }

  /** What came since: shown at once, or counted while somebody reads. */
  async #news() {
    if (!this.#loaded || this.#reading) return;
    if (this.#error) {
      this.#read();
      return;
    }
    const turn = this.#turn;
    this.#reading = true;
    try {
      let page = await this.#ask();
      this.#newest = page;
      for (let pages = 1; turn === this.#turn; pages++) {
        const joined = this.#feed.take(page.items);
        if (joined || !page.next_cursor || pages === CATCH_UP_PAGES) break;
        page = await this.#ask({ cursor: page.next_cursor });
      }
    } catch (error) {
      // The list stays; the next asking may get through.
      if (!this.signal.aborted && !error.passing) this.application.toasts.error(error);
    } finally {
      this.#reading = false;
    }
    if (turn === this.#turn) this.#release();
  }

  async #older() {
    const turn = this.#turn;
    this.#busy = true;
    this.invalidate();
    try {
      const page = await this.#ask({ cursor: this.#feed.cursor });
      if (turn === this.#turn) this.#feed.more(page);
    } catch (error) {
      if (!this.signal.aborted) this.application.toasts.error(error);
    }
    this.#busy = false;
    this.invalidate();
  }

  async #ask(query = {}) {
    const { rest } = this.application;
    const asked = { limit: PAGE, ...askedOf(this.#filters), ...query };
    const page = await rest.get("/api/audit", asked, { signal: this.signal });
    this.#names.learn(page.items);
    return page;
  }

  /** Rows changed, so there are new entries; or names did. */
  #changed() {
    this.invalidate();
    this.#soon ??= setTimeout(() => {
      this.#soon = null;
      if (!document.hidden) this.#news();
    }, SOON_MS);
  }

  /** Shows what waits, unless somebody reads. */
  #release() {
    if (this.#feed.waiting.length && !this.#pointed && this.element.scrollTop < AT_TOP) {
      this.#feed.show(this.#newest);
    }
    this.invalidate();
  }

  #showWaiting() {
    this.#feed.show(this.#newest);
    this.element.scrollTop = 0;
    this.invalidate();
  }

  template() {
    const { store } = this.application;
    const filters = this.#filters;
    return html`
      <div class="view-head">
        <h1>Activity</h1>
        ${this.#filterButton()}
      </div>
      ${filterFields(filters, {
        agents: store.agents(),
        devices: this.#names.devices(),
        open: this.#filtersOpen,
        choose: (name, value) => this.application.router.replace({ ...filters, [name]: value }),
      })}
      ${
        filters.entity_id
          ? html`<p class="muted">
              Only what was done to one ${filters.entity ?? "thing"}.
              <button type="button" class="quiet" @click=${() => this.#clear()}>Show everything</button>
            </p>`
          : nothing
      }
      ${this.#content()}
    `;
  }

  /** Where there is little room, the list comes first. */
  #filterButton() {
    const holding = Object.keys(this.#filters).length;
    const toggle = () => {
      this.#filtersOpen = !this.#filtersOpen;
      this.invalidate();
    };
    return html`
      <button
        type="button"
        class="secondary activity-filter-button"
        aria-expanded=${this.#filtersOpen}
        aria-controls="activity-filters"
        @click=${toggle}
      >
        ${icon("filter")} Filters${holding ? html` <span class="badge badge-accent">${holding}</span>` : nothing}
      </button>
    `;
  }

  #content() {
    if (this.#error) return failed(this.#error, () => this.#read());
    if (!this.#loaded) return skeleton(10);
    const { entries } = this.#feed;
    if (!entries.length) {
      if (!Object.keys(this.#filters).length) return nothingYet("Nothing was done yet.");
      return html`${this.#pill()}${nothingFound("Nothing like that was done.", () => this.#clear())}`;
    }
    return html`
      <div
        class="activity"
        @pointerenter=${() => this.#point(true)}
        @pointerleave=${() => this.#point(false)}
      >
        ${this.#pill()}
        ${repeat(
          byDay(entries, formatDay),
          ([day]) => day,
          ([day, ofDay]) => this.#day(day, ofDay),
        )}
      </div>
      ${
        this.#feed.full
          ? html`<p class="muted activity-end">That is all.</p>`
          : html`<button
              type="button"
              class="secondary"
              aria-busy=${this.#busy}
              ?disabled=${this.#busy}
              @click=${() => this.#older()}
            >
              Show older
            </button>`
      }
    `;
  }

  #pill() {
    const { length } = this.#feed.waiting;
    if (!length) return nothing;
    return html`
      <button type="button" class="activity-pill" data-test="new-entries" @click=${() => this.#showWaiting()}>
        ${plural(length, "new entry", "new entries")} – show
      </button>
    `;
  }

  #day(day, entries) {
    const { store, router } = this.application;
    const named = { store, router, deviceName: this.#names.device };
    return html`
      <h2 class="activity-day">${day === formatDay(serverNow()) ? "Today" : day}</h2>
      <ol class="activity-list">
        ${repeat(
          entries,
          ({ id }) => id,
          (entry) => entryRow(entry, named),
        )}
      </ol>
    `;
  }

  #point(pointed) {
    this.#pointed = pointed;
    if (!pointed) this.#release();
  }

  #clear() {
    this.application.router.replace({});
  }

  closed() {
    clearTimeout(this.#soon);
  }
}
