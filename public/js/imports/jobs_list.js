import { formatCount, formatTime, timeAgo } from "../core/times.js";
import { jobBadge } from "../parts/job.js";
import { isOver, jobTitle, progressOf, summaryOf } from "../parts/job_words.js";
import { failed, nothingFound, nothingYet, skeleton } from "../parts/states.js";
import { html, nothing } from "../vendor.js";
import { tableBox } from "./tables.js";

const HEAD = [
  "What",
  "State",
  "Who",
  "When",
  "Rows",
  "Created",
  "Updated",
  "Unchanged",
  "Conflicts",
  "Errors",
];
// The columns from there on are counts.
const COUNTED = HEAD.indexOf("Rows");

/** Past and running jobs, newest first, live; a part of a view. `more`: older ones can be asked for. */
export class JobsList {
  #items = null;
  #cursor = null;
  #error = null;
  #loading = false;
  #asked = 0;

  constructor(view, { limit = 25, more = false } = {}) {
    this.view = view;
    this.application = view.application;
    this.limit = limit;
    this.more = more;
    this.kind = null;
    const { connection } = this.application;
    view.listen(connection, "job", ({ detail }) => this.#heard(detail));
    view.listen(connection, "stale", () => this.load());
    view.every(60, () => view.invalidate());
    this.load();
  }

  /** Shows one kind only, "import" or "update"; null is both. `clear` is offered where there is none. */
  filter(kind, clear) {
    this.clear = clear;
    if (kind === this.kind) return;
    this.kind = kind;
    this.#items = null;
    this.load();
  }

  /** Reads the newest again, as many as there were. */
  async load() {
    const asked = ++this.#asked;
    const limit = Math.min(500, Math.max(this.limit, this.#items?.length ?? 0));
    await this.#read(asked, { limit }, (page) => page.items);
  }

  async #older() {
    const asked = ++this.#asked;
    this.#loading = true;
    this.view.invalidate();
    await this.#read(asked, { limit: this.limit, cursor: this.#cursor }, (page) =>
      merged(this.#items, page.items),
    );
    this.#loading = false;
    this.view.invalidate();
  }

  async #read(asked, query, taken) {
    try {
      const page = await this.application.jobs.list({ kind: this.kind, ...query });
      // A later question is a better one.
      if (asked !== this.#asked) return;
      this.#items = taken(page);
      this.#cursor = page.next_cursor;
      this.#error = null;
    } catch (error) {
      if (asked === this.#asked) this.#error = error;
    }
    this.view.invalidate();
  }

  #heard(job) {
    if (!this.#items || (this.kind && job.kind !== this.kind)) return;
    const known = this.#items.some((each) => each.id === job.id);
    const newest = this.#items[0]?.created_at ?? "";
    if (known) this.#items = this.#items.map((each) => (each.id === job.id ? job : each));
    // One that is older than what is shown stays where one has to ask for it.
    else if (job.created_at >= newest) this.#items = [job, ...this.#items];
    if (!this.more) this.#items = this.#items.slice(0, this.limit);
    this.view.invalidate();
  }

  template() {
    if (this.#error) return failed(this.#error, () => this.load());
    if (!this.#items) return skeleton(Math.min(5, this.limit));
    if (!this.#items.length) {
      return this.kind
        ? nothingFound("There is none of this kind.", this.clear)
        : nothingYet("Nothing was imported yet.");
    }
    return html`
      ${tableBox(
        "Imports and bulk edits",
        HEAD,
        this.#items.map((job) => this.#row(job)),
        "jobs",
        COUNTED,
      )}
      ${
        this.more && this.#cursor
          ? html`<button type="button" class="secondary import-more" ?disabled=${this.#loading} @click=${() => this.#older()}>
              Show older
            </button>`
          : nothing
      }
    `;
  }

  #row(job) {
    const { router } = this.application;
    const { counts } = job;
    const { fraction } = progressOf(job);
    const number = (count) => html`<td class="number jobs-wide">${formatCount(count)}</td>`;
    return html`
      <tr data-test="job-row">
        <th scope="row" class="jobs-what">
          <a href=${router.href(`/jobs/${job.id}`)} title=${jobTitle(job)}>${job.file_name ?? jobTitle(job)}</a>
          <span class="jobs-narrow muted">${summaryOf(job)}</span>
        </th>
        <td>
          ${jobBadge(job)}
          ${
            isOver(job) || fraction === null
              ? nothing
              : html`<span class="jobs-fraction">${Math.floor(fraction * 100)} %</span>`
          }
        </td>
        <td class="jobs-who">${job.owner.name}</td>
        <td class="muted" title=${formatTime(job.created_at)}>${timeAgo(job.created_at)}</td>
        ${number(counts.rows)} ${number(counts.created)} ${number(counts.updated)} ${number(counts.unchanged)}
        ${number(counts.conflicts)}
        <td class="number jobs-wide">
          ${counts.errors ? html`<span class="jobs-errors">${formatCount(counts.errors)}</span>` : 0}
        </td>
      </tr>
    `;
  }
}

function merged(items, older) {
  const ids = new Set(items.map(({ id }) => id));
  return [...items, ...older.filter(({ id }) => !ids.has(id))];
}
