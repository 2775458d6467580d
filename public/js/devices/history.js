import { dayAfter, dayInWords, dayOf, hasDay } from "../core/days.js";
import { formatClock, formatTime, plural } from "../core/times.js";
import { failed, nothingYet, skeleton } from "../parts/states.js";
import { html, nothing, repeat } from "../vendor.js";
import { merged } from "./entries.js";
import { timeline } from "./timeline.js";
import { amountText, durationText, errorText, kindText, outcomeText } from "./words.js";

const PAGE = 200;
const ERRORS_SHOWN = 10;

/** What a device did on a day, and its last errors. `changed()` is called when there is news. */
export class DeviceHistory {
  #entries = null;
  #latest = [];
  #cursor = null;
  #error = null;
  #asked = 0;

  constructor(rest, id, { changed, signal }) {
    this.rest = rest;
    this.path = `/api/devices/${encodeURIComponent(id)}/history`;
    this.changed = changed;
    this.signal = signal;
    this.day = null;
  }

  /** Shows a day from now on. */
  show(day) {
    if (day === this.day) return;
    this.day = day;
    this.#entries = null;
    this.#cursor = null;
    this.read();
  }

  /** Asks for the newest; of days that are over nothing new comes. */
  async read() {
    if (this.day < dayOf() && this.#entries) return;
    const turn = ++this.#asked;
    try {
      const [page, latest] = await Promise.all([
        this.#ask({ day: this.day }),
        this.#ask({ day: null }),
      ]);
      if (turn !== this.#asked) return;
      if (!this.#entries) this.#cursor = page.next_cursor;
      this.#entries = merged(this.#entries ?? [], page.items);
      this.#latest = latest.items;
      this.#error = null;
    } catch (error) {
      if (this.signal.aborted || turn !== this.#asked) return;
      this.#error = error;
    }
    this.changed();
  }

  async #older() {
    try {
      const page = await this.#ask({ day: this.day, cursor: this.#cursor });
      this.#entries = merged(this.#entries, page.items);
      this.#cursor = page.next_cursor;
    } catch (error) {
      if (this.signal.aborted) return;
      this.#error = error;
    }
    this.changed();
  }

  #ask(query) {
    return this.rest.get(this.path, { limit: PAGE, ...query }, { signal: this.signal });
  }

  /** `online` says whether a connection without an end still stands; `go(day)` shows another. */
  template({ online, go }) {
    return html`
      <section class="card" aria-labelledby="history-title">
        <div class="view-head">
          <h2 id="history-title">What it did on ${dayInWords(this.day)}</h2>
          ${this.#dayPicker(go)}
        </div>
        ${this.#content(online, go)}
      </section>
      ${this.#errors()}
    `;
  }

  #dayPicker(go) {
    const last = dayOf();
    const step = (label, sign, days, disabled) => html`
      <button
        type="button"
        class="icon-button"
        aria-label=${label}
        ?disabled=${disabled}
        @click=${() => go(dayAfter(this.day, days))}
      >
        ${sign}
      </button>
    `;
    return html`
      <div class="day-picker">
        ${step("The day before", "‹", -1, false)}
        <input
          type="date"
          aria-label="Day"
          max=${last}
          .value=${this.day}
          @change=${(event) => hasDay(event) && go(event.target.value)}
        />
        ${step("The day after", "›", 1, this.day >= last)}
      </div>
    `;
  }

  #content(online, go) {
    if (!this.#entries) return this.#error ? failed(this.#error, () => this.read()) : skeleton(4);
    if (!this.#entries.length) return this.#nothing(go);
    const newest = this.#entries.find(({ kind }) => kind === "connection");
    const open = online && !newest?.ended ? newest : null;
    return html`
      ${this.#error ? html`<p class="notice" role="status">${this.#error.message}</p>` : nothing}
      ${timeline(this.#entries, this.day, open)}
      <div class="table-box history-box" tabindex="0" role="region" aria-label="Entries of the day">
        <table>
          <caption class="visually-hidden">Connections, syncs and edits of the day, newest first</caption>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">What</th>
              <th scope="col">How it ended</th>
              <th scope="col">Length</th>
              <th scope="col">Amount</th>
            </tr>
          </thead>
          <tbody>
            ${repeat(
              this.#entries,
              ({ id }) => id,
              (entry) => row(entry, entry === open),
            )}
          </tbody>
        </table>
      </div>
      ${
        this.#cursor
          ? html`<button type="button" class="secondary" @click=${() => this.#older()}>Show older</button>`
          : nothing
      }
      <p class="muted">Days are counted in UTC; times are yours.</p>
    `;
  }

  #nothing(go) {
    const [last] = this.#latest;
    if (!last) return nothingYet("It has not connected yet.");
    const day = last.started.slice(0, 10);
    const button = html`
      <button type="button" class="secondary" @click=${() => go(day)}>Show ${dayInWords(day)}</button>
    `;
    return nothingYet("It did not connect on this day.", day === this.day ? null : button);
  }

  #errors() {
    const errors = this.#latest.filter(({ error_code }) => error_code);
    return html`
      <section class="card" aria-labelledby="errors-title">
        <h2 id="errors-title">Last errors</h2>
        ${
          errors.length
            ? html`<ul class="device-errors">
                ${errors.slice(0, ERRORS_SHOWN).map(
                  (entry) => html`
                    <li data-test="device-error">
                      <strong>${errorText(entry.error_code)}</strong>
                      <small>
                        ${formatTime(entry.started)} · ${kindText(entry.kind)}
                        ${entry.kind === "refused" ? `: ${outcomeText(entry)}` : ""} ·
                        <code>${entry.error_code}</code>
                      </small>
                    </li>
                  `,
                )}
              </ul>`
            : html`<p class="muted">None of late.</p>`
        }
        ${
          errors.length > ERRORS_SHOWN
            ? html`<p class="muted">and ${plural(errors.length - ERRORS_SHOWN, "more error")} before.</p>`
            : nothing
        }
      </section>
    `;
  }
}

function row(entry, open) {
  const { kind, started, ended, error_code } = entry;
  return html`
    <tr data-test="history-entry">
      <td><time datetime=${started} title=${formatTime(started)}>${formatClock(started)}</time></td>
      <td>${kindText(kind)}</td>
      <td class="history-outcome">
        ${outcomeText(entry, open)}
        ${error_code ? html`<small class="field-error">${errorText(error_code)}</small>` : nothing}
      </td>
      <td>${kind === "refused" ? "" : durationText(started, ended)}</td>
      <td>${amountText(entry)}</td>
    </tr>
  `;
}
