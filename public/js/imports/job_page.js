import { formatLength, formatTime, plural } from "../core/times.js";
import { icon } from "../parts/icon.js";
import { JobPanel } from "../parts/job.js";
import { isOver, jobTitle } from "../parts/job_words.js";
import { html, nothing } from "../vendor.js";
import { editLines } from "./edit_words.js";
import { fieldLabel } from "./fields.js";
import { conflictsTable, errorsTable, leftTable } from "./findings.js";
import { delimiterLabel, encodingLabel, formatLabel, MATCHES, MODES, ON_EMPTY } from "./options.js";
import { part, tableBox } from "./tables.js";

// As many come with the job itself.
const LISTED = 100;

/** One job: how far it is, what it could not do, what it met; cancelled and undone from here. */
export class JobPage {
  #panel;
  #more = { conflicts: null, left: null };
  #downloading = false;

  constructor(view, id) {
    this.view = view;
    this.application = view.application;
    this.id = id;
    this.#panel = new JobPanel(view.application, id, {
      changed: () => this.#changed(),
      link: false,
      title: false,
    });
    this.application.title("Import");
  }

  close() {
    this.#panel.close();
  }

  template() {
    const { job } = this.#panel;
    return html`
      <div class="import-page">
        <header class="view-head">
          <h1 class="job-heading">${job ? jobTitle(job) : "Import"}</h1>
          <a href=${this.application.router.href("/jobs")}>All imports and edits</a>
        </header>
        <div class="import-card">${this.#panel.template()}</div>
        ${job?.options ? this.#whole(job) : nothing}
      </div>
    `;
  }

  #whole(job) {
    const { errors, conflicts, left, counts } = job;
    return html`
      ${job.notes.map((note) => html`<p class="notice" data-test="note">${note}</p>`)}
      ${errors.length ? part("What failed", errorsTable(errors, this.application), this.#errorsAside(job)) : nothing}
      ${
        conflicts.length
          ? part(
              "Fresh edits that it overwrote",
              this.#findings(job, "conflicts", conflictsTable),
              html`<span class="muted">${plural(counts.conflicts, job.kind === "import" ? "row" : "contact")}</span>`,
            )
          : nothing
      }
      ${
        left.length
          ? part(
              "Left by the undo, as they were edited since",
              this.#findings(job, "left", leftTable),
            )
          : nothing
      }
      ${part("Details", details(job, this.application.store))} ${job.mapping ? mapping(job) : nothing}
    `;
  }

  #errorsAside(job) {
    return html`
      ${job.errors.length >= LISTED ? html`<span class="muted">the first ${LISTED}</span>` : nothing}
      <button type="button" class="secondary" ?disabled=${this.#downloading} @click=${() => this.#download()}>
        ${icon("download")} ${job.kind === "import" ? "Download the rows that failed" : "Download their ids"}
      </button>
    `;
  }

  #findings(job, name, table) {
    const more = this.#more[name];
    const items = more?.items ?? job[name];
    const rest = more ? more.cursor !== null : items.length >= LISTED;
    return html`
      ${table(items, this.application)}
      ${
        rest
          ? html`<button type="button" class="secondary import-more" @click=${() => this.#readMore(name)}>Show more</button>`
          : nothing
      }
    `;
  }

  /** The next page of findings; the first of them are those that came with the job. */
  async #readMore(name) {
    const more = this.#more[name];
    try {
      const query = more ? { cursor: more.cursor, limit: 200 } : { limit: 200 };
      const page = await this.application.rest.get(`/api/bulk/jobs/${this.id}/${name}`, query);
      this.#more[name] = {
        items: [...(more?.items ?? []), ...page.items],
        cursor: page.next_cursor,
      };
    } catch (error) {
      this.application.toasts.error(error);
    }
    this.view.invalidate();
  }

  async #download() {
    this.#downloading = true;
    this.view.invalidate();
    try {
      const name = await this.application.rest.download(`/api/bulk/jobs/${this.id}/errors`);
      this.application.toasts.show(
        `${name} was saved. Mend its rows and import it: only those are taken.`,
      );
    } catch (error) {
      this.application.toasts.error(error);
    }
    this.#downloading = false;
    this.view.invalidate();
  }

  #changed() {
    const { job } = this.#panel;
    if (job) this.application.title(jobTitle(job));
    // While it runs, more may have been found than was read.
    if (job && !isOver(job)) this.#more = { conflicts: null, left: null };
    this.view.invalidate();
  }
}

function details(job, store) {
  const { detected, options, owner } = job;
  const { started_at, ended_at } = job;
  const lines = [
    ["Started by", owner.name],
    ["Asked for", formatTime(job.created_at)],
    ["Began", formatTime(started_at)],
    ["Ended", formatTime(ended_at)],
    [
      "Took",
      started_at && ended_at
        ? formatLength((Date.parse(ended_at) - Date.parse(started_at)) / 1_000)
        : "",
    ],
    ...editLines(options, store),
    ["Format", detected ? formatLabel(detected.format) : ""],
    ["Encoding", detected?.encoding ? encodingLabel(detected.encoding) : ""],
    ["Between cells", detected?.delimiter ? delimiterLabel(detected.delimiter) : ""],
    ["Contacts that are there", MODES[options.mode]],
    ["Found by", matchLabel(options.match)],
    ["An empty cell", ON_EMPTY[options.on_empty]],
    ["Country of phones and dates", options.region],
    ["SHA-256 of the file", options.sha256],
  ];
  return html`
    <dl class="job-details">
      ${lines
        .filter(([, text]) => text)
        .map(([label, text]) => html`<div><dt>${label}</dt><dd>${text}</dd></div>`)}
    </dl>
  `;
}

function matchLabel(match) {
  if (!match) return "";
  const joined = [match].flat().join(",");
  return MATCHES[joined] ?? joined.replaceAll(",", ", ");
}

function mapping(job) {
  const rows = Object.entries(job.mapping).map(
    ([column, path]) => html`
      <tr>
        <th scope="row" class="mapping-column">${column}</th>
        <td>${path === null ? html`<span class="muted">left out</span>` : fieldLabel(path)}</td>
      </tr>
    `,
  );
  return html`
    <details class="import-details">
      <summary>Which column went where</summary>
      ${tableBox("Which column went where", ["Column", "Went to"], rows)}
    </details>
  `;
}
