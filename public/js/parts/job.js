import { formatCount } from "../core/times.js";
import { html, nothing } from "../vendor.js";
import { icon } from "./icon.js";
import {
  canCancel,
  canUndo,
  countsOf,
  isOver,
  jobTitle,
  progressOf,
  stateWords,
  summaryOf,
  undoQuestion,
} from "./job_words.js";
import { failed, skeleton } from "./states.js";

/**
 * How far an import or a bulk edit is, live, with what can be done about it.
 *
 *   this.panel = new JobPanel(application, id, { changed: () => this.invalidate(), signal: this.signal });
 *   html`… ${this.panel.template()} …`
 *
 * `changed` is called whenever it must be shown anew, and then `panel.job` is the newest state (null
 * until the first came); `signal` or `close()` ends the watching. `link: false` leaves out the link to
 * the job's own page, `title: false` its name.
 */
export class JobPanel {
  #watched;
  #busy = null;
  #over = null;

  constructor(application, id, { changed, signal = null, link = true, title = true }) {
    this.application = application;
    this.id = id;
    this.changed = changed;
    this.link = link;
    this.title = title;
    this.#watched = application.jobs.watch(id);
    this.#watched.addEventListener("job", () => this.#news());
    signal?.addEventListener("abort", () => this.close());
  }

  get job() {
    return this.#watched.job;
  }

  get error() {
    return this.#watched.error;
  }

  /** Ends the watching; the job goes on. */
  close() {
    this.#watched.close();
  }

  async cancel() {
    await this.#command("cancel", () => this.application.jobs.cancel(this.id));
  }

  /** Asks, then undoes. */
  async undo() {
    const agreed = await this.application.dialogs.confirm({
      title: this.job.kind === "import" ? "Undo this import?" : "Undo this edit?",
      text: undoQuestion(this.job),
      action: "Undo",
      danger: true,
    });
    if (agreed) await this.#command("undo", () => this.application.jobs.undo(this.id));
  }

  template() {
    const { job, error } = this;
    if (!job) return error ? failed(error, () => this.#watched.ask()) : skeleton(3);
    return html`
      <section class="job" aria-label=${jobTitle(job)} data-test="job" data-state=${job.state}>
        <div class="job-head">
          ${jobBadge(job)}
          ${this.title ? html`<strong class="job-title">${jobTitle(job)}</strong>` : nothing}
        </div>
        ${this.#bar(job)} ${jobCounts(job)}
        ${job.error ? html`<p class="job-error" role="alert">${icon("error")}<span>${job.error}</span></p>` : nothing}
        ${error ? html`<p class="muted">${error.message}</p>` : nothing}
        <div class="job-actions">${this.#actions(job)}</div>
      </section>
    `;
  }

  #bar(job) {
    const { done, total, fraction, text } = progressOf(job);
    const known = fraction !== null;
    return html`
      <div class="job-progress">
        ${
          // A bar without a value moves to and fro; lit-html can't take a value away again.
          known || isOver(job)
            ? html`<progress aria-label="Progress" max=${total || 1} value=${total ? done : Number(isOver(job))}></progress>`
            : html`<progress aria-label="Progress"></progress>`
        }
        <span class="job-progress-text" data-test="job-progress">
          ${text}${known && total ? html`<span class="muted"> · ${Math.floor(fraction * 100)} %</span>` : nothing}
        </span>
      </div>
    `;
  }

  #actions(job) {
    const { router } = this.application;
    const stopping = this.#busy === "cancel";
    return html`
      ${
        canCancel(job)
          ? html`<button type="button" class="secondary" ?disabled=${stopping} @click=${() => this.cancel()}>
              ${stopping ? "Stopping…" : "Cancel"}
            </button>`
          : nothing
      }
      ${
        canUndo(job)
          ? html`<button type="button" class="secondary" ?disabled=${this.#busy === "undo"} @click=${() => this.undo()}>
              ${icon("undo")} Undo
            </button>`
          : nothing
      }
      ${this.link ? html`<a href=${router.href(`/jobs/${job.id}`)}>Open its page</a>` : nothing}
    `;
  }

  async #command(name, send) {
    this.#busy = name;
    this.changed();
    try {
      await send();
      // Running ones are stopped after their chunk; until then it is on its way.
      if (name === "undo") this.#busy = null;
      await this.#watched.ask();
    } catch (error) {
      this.#busy = null;
      this.application.toasts.error(error);
    }
    this.changed();
  }

  #news() {
    const { job } = this;
    const over = job && isOver(job);
    if (over) this.#busy = null;
    // Told once, and not of what was over when one came.
    if (over && this.#over === false)
      this.application.announce(`${jobTitle(job)}: ${stateWords(job).label}. ${summaryOf(job)}.`);
    if (job) this.#over = over;
    this.changed();
  }
}

/** The state of a job as a badge. */
export function jobBadge(job) {
  const { label, badge } = stateWords(job);
  return html`<span class="badge ${badge}" data-test="job-state">${label}</span>`;
}

/** What became of the rows so far, or would; `words` are other names for some of the counts. */
export function jobCounts(job, words = {}) {
  const shown = job.undo
    ? [
        { name: "undone", label: "taken back", count: job.undo.undone },
        { name: "left", label: "left as they are", count: job.undo.left, warning: true },
      ]
    : countsOf(job);
  return html`
    <dl class="job-counts">
      ${shown.map(
        ({ name, label, count, bad, warning }) => html`
          <div class="job-count ${count && bad ? "job-count-bad" : ""} ${count && warning ? "job-count-warning" : ""}">
            <dt>${words[name] ?? label}</dt>
            <dd data-test=${`count-${name}`}>${formatCount(count)}</dd>
          </div>
        `,
      )}
    </dl>
  `;
}
