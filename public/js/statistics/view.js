import { View } from "../app/view.js";
import { dayOf, hasDay } from "../core/days.js";
import { failed, skeleton } from "../parts/states.js";
import { html, nothing } from "../vendor.js";
import { countTables, numberCards } from "./counts.js";
import { Figure } from "./figure.js";
import {
  changesFigure,
  contactsFigure,
  lagFigure,
  minutesFigure,
  onlineFigure,
  syncsFigure,
} from "./figures.js";
import { CHOICES, earliestFor, MOST_DAYS, minuteDayOf, rangeInWords, rangeOf } from "./range.js";
import { total } from "./series.js";

const LIVE_SECONDS = 60;
const TITLES = {
  contacts: "Contacts over time",
  changes: "Changes a day by agent",
  syncs: "Syncs and failures",
  online: "Most devices online",
  lag: "How far devices are behind",
  minutes: "Devices online over the day",
};

/** What happened over some days: `#/statistics?days=7`, `?from=2026-11-01&to=2026-11-30&day=…`. */
export default class StatisticsView extends View {
  #figures = new Map();
  #shown = {};
  #stats = null;
  #days = null;
  #minutes = null;
  #error = null;
  #query = {};
  #asked = 0;

  opened() {
    const { store, connection } = this.application;
    this.application.title("Statistics");
    const changed = () => this.invalidate();
    for (const [name, title] of Object.entries(TITLES)) {
      this.#figures.set(name, new Figure(name, { title, changed }));
    }
    // Agents' names may come later than the numbers, or change.
    this.listen(store, "changed", ({ detail }) => {
      if (!detail.size) this.#prepare();
    });
    this.listen(connection, "stale", this.#read);
    this.every(LIVE_SECONDS, this.#read);
  }

  routed({ query }) {
    this.#query = query;
    this.#read();
    this.invalidate();
  }

  async #read() {
    const { rest } = this.application;
    const options = { signal: this.signal };
    const turn = ++this.#asked;
    const { from, to } = rangeOf(this.#query);
    const day = minuteDayOf(this.#query);
    try {
      const [stats, days, minutes] = await Promise.all([
        rest.get("/api/contacts/stats", {}, options),
        rest.get("/api/statistics", { from, to }, options),
        rest.get("/api/statistics/day", { day }, options),
      ]);
      if (turn !== this.#asked) return;
      [this.#stats, this.#days, this.#minutes] = [stats, days.days, minutes];
      this.#error = null;
      this.#prepare();
    } catch (error) {
      if (this.signal.aborted || turn !== this.#asked) return;
      this.#error = error;
    }
    this.invalidate();
  }

  /** What the plots show is made once for each answer: a plot is drawn anew when its data is. */
  #prepare() {
    if (!this.#days) return;
    const { store } = this.application;
    this.#shown = {
      contacts: contactsFigure(this.#days),
      changes: changesFigure(this.#days, (id) => store.agentName(id)),
      syncs: syncsFigure(this.#days),
      online: onlineFigure(this.#days),
      lag: lagFigure(this.#days),
      minutes: minutesFigure(this.#minutes),
    };
    this.invalidate();
  }

  template() {
    const { cut } = rangeOf(this.#query);
    return html`
      <div class="view-head">
        <h1>Statistics</h1>
        ${this.#rangePicker()}
      </div>
      ${cut ? html`<p class="notice" role="status">At most ${MOST_DAYS} days are shown at once.</p>` : nothing}
      ${this.#content()}
    `;
  }

  #rangePicker() {
    const { from, to, days } = rangeOf(this.#query);
    const { router } = this.application;
    const own = (change) => this.#ask({ days: "", from, to, ...change });
    const input = (label, name, value, bounds) => html`
      <label class="range-day">
        ${label}
        <input
          type="date"
          .value=${value}
          min=${bounds.min ?? nothing}
          max=${bounds.max}
          @change=${(event) => hasDay(event) && own({ [name]: event.target.value })}
        />
      </label>
    `;
    return html`
      <div class="range">
        <div class="range-choices" role="group" aria-label="Days shown">
          ${CHOICES.map(
            (choice) => html`
              <button
                type="button"
                class="secondary"
                aria-pressed=${days === choice}
                @click=${() => router.replace({ days: choice, day: this.#query.day })}
              >
                ${choice} days
              </button>
            `,
          )}
        </div>
        ${input("From", "from", from, { min: earliestFor(to), max: to })}
        ${input("To", "to", to, { min: from, max: dayOf() })}
      </div>
    `;
  }

  #content() {
    if (this.#error && !this.#days) return failed(this.#error, () => this.#read());
    if (!this.#days) return skeleton(10);
    const days = this.#days;
    const figure = (name, options) =>
      this.#figures.get(name).template({ ...this.#shown[name], ...options });
    return html`
      ${this.#error ? html`<p class="notice" role="status">${this.#error.message}</p>` : nothing}
      <div class="number-groups">
        ${numberCards("Contacts now", [
          [this.#stats.total, "Contacts"],
          [this.#stats.with_email, "with e-mail"],
          [this.#stats.with_phone, "with phone"],
        ])}
        ${numberCards(rangeInWords(rangeOf(this.#query)), [
          [total(days, "created"), "made"],
          [total(days, "updated"), "edited"],
          [total(days, "deleted"), "deleted"],
          [total(days, "syncs"), "syncs"],
          [total(days, "failures"), "failures"],
        ])}
      </div>
      <div class="figures">
        ${figure("contacts")} ${figure("changes")} ${figure("syncs")}
        ${figure("minutes", { extra: this.#dayPicker(), note: this.#minutesNote() })} ${figure("online")} ${figure("lag")}
      </div>
      <h2 class="counts-title">What contacts there are</h2>
      ${countTables(this.#stats, this.application)}
      <p class="muted">Days are counted in UTC. What devices did is kept for 90 days.</p>
    `;
  }

  #minutesNote() {
    if (this.#minutes.minutes.length) return nothing;
    return html`<p class="muted">No server ran for a whole minute on this day.</p>`;
  }

  #dayPicker() {
    return html`
      <input
        type="date"
        class="day-input"
        aria-label="Day shown minute by minute"
        max=${dayOf()}
        .value=${minuteDayOf(this.#query)}
        @change=${(event) => hasDay(event) && this.#ask({ day: event.target.value })}
      />
    `;
  }

  #ask(changes) {
    this.application.router.replace({ ...this.#query, ...changes });
  }

  closed() {
    for (const figure of this.#figures.values()) figure.close();
  }
}
