import { keepFocus } from "../app/arrival.js";
import { View } from "../app/view.js";
import { formatCount, plural } from "../core/times.js";
import { icon } from "../parts/icon.js";
import { nothingFound, nothingYet, skeleton } from "../parts/states.js";
import { html, nothing } from "../vendor.js";
import { deletionsOf } from "./deletions.js";
import { LabelCounts } from "./label_counts.js";
import { changeLabel, makeLabel } from "./label_dialogs.js";
import { mergeLabel } from "./label_merge.js";
import { KINDS, matching, ordered } from "./labels.js";
import { labelsTable } from "./labels_table.js";

/** `#/labels?kind=tag|group|type&search=…&sort=name|contacts|category`: what marks contacts. */
export default class LabelsView extends View {
  #query = {};
  #kind = "tag";

  opened() {
    const { store, rest } = this.application;
    this.deletions = deletionsOf(this.application);
    this.counts = new LabelCounts(rest, this.signal, () => ({
      kind: this.#kind,
      ids: store.labels(this.#kind).map(({ id }) => id),
    }));
    this.listen(this.counts, "changed", this.invalidate);
    this.listen(this.deletions, "changed", this.invalidate);
    this.listen(store, "changed", this.#changed);
    this.listen(store, "stale", () => this.counts.stale());
  }

  routed({ query }) {
    const kind = Object.hasOwn(KINDS, query.kind ?? "") ? query.kind : "tag";
    const other = kind !== this.#kind || !this.#query.sort;
    this.#kind = kind;
    this.#query = { sort: "name", search: "", ...query };
    this.application.title(KINDS[kind].title);
    if (other) this.counts.count();
    this.invalidate();
  }

  template() {
    const { one } = KINDS[this.#kind];
    return html`
      <div class="view-head">
        <h1>Labels</h1>
        <button type="button" @click=${() => makeLabel(this.application, this.#kind)}>
          ${icon("add")} New ${one}
        </button>
      </div>
      ${this.#tabs()} ${this.#content()}
    `;
  }

  #tabs() {
    const { router } = this.application;
    return html`
      <nav class="tabs" aria-label="Kinds of labels">
        <ul>
          ${Object.entries(KINDS).map(
            ([kind, { title }]) => html`
              <li>
                <a href=${router.href("/labels", { kind })} aria-current=${kind === this.#kind ? "page" : nothing}>
                  ${title} <span class="muted">${formatCount(this.#labels(kind).length)}</span>
                </a>
              </li>
            `,
          )}
        </ul>
      </nav>
    `;
  }

  /** Without those that are about to be deleted. */
  #labels(kind) {
    return this.application.store.labels(kind).filter(({ id }) => !this.deletions.has(id));
  }

  #content() {
    const kind = this.#kind;
    const { store, session, router } = this.application;
    const { sort, search } = this.#query;
    const labels = this.#labels(kind);
    const { one } = KINDS[kind];
    if (!labels.length && !store.loaded) return skeleton(6);
    if (!labels.length) {
      return nothingYet(
        `There is no ${one} yet. Contacts are marked with them, by hand or by an import, and found by them.`,
      );
    }
    const found = ordered(matching(labels, search), sort, this.counts.counts);
    return html`
      <div class="list-tools">
        <label for="labels-search">Find</label>
        <input
          id="labels-search"
          type="search"
          .value=${search}
          @input=${({ target }) => this.#replace({ search: target.value })}
        />
        <span class="muted" role="status">${found.length < labels.length ? `${plural(found.length, one)} of ${formatCount(labels.length)}` : nothing}</span>
      </div>
      ${
        found.length
          ? labelsTable(found, {
              kind,
              sort,
              router,
              counts: this.counts.counts,
              sorted: (order) => this.#replace({ sort: order }),
              change: (label) => changeLabel(this.application, kind, label),
              merge:
                session.is("admin", "manager", "api") && labels.length > 1
                  ? (label) => this.#merge(label)
                  : null,
              remove: (label) => this.#remove(label),
            })
          : nothingFound(`No ${one} has “${search}” in it.`, () => this.#replace({ search: "" }))
      }
    `;
  }

  #replace(change) {
    const { sort, search } = { ...this.#query, ...change };
    this.application.router.replace({
      kind: this.#kind,
      search,
      sort: sort === "name" ? "" : sort,
    });
  }

  #changed({ detail }) {
    if (detail.has("contact") || detail.has(this.#kind)) this.counts.stale();
    // The labels may have come only now.
    if (!this.counts.counts.size) this.counts.count();
    this.invalidate();
  }

  async #merge(label) {
    await mergeLabel(this.application, this.#kind, label);
    this.counts.stale();
    if (!this.signal.aborted) keepFocus(this.element);
  }

  async #remove(label) {
    const kind = this.#kind;
    const { dialogs } = this.application;
    const count = label.version ? await this.counts.of(kind, label.id) : 0;
    if (this.signal.aborted) return;
    const agreed = await dialogs.confirm({
      title: `Delete the ${KINDS[kind].one} “${label.name}”?`,
      text: lossOf(count),
      action: "Delete",
      danger: true,
    });
    if (!agreed) return;
    this.deletions.start(kind, label);
    this.renderNow();
    keepFocus(this.element);
  }
}

/** What contacts lose by a deletion; null is that nobody knows how many have it. */
function lossOf(count) {
  if (count === null) return "The contacts that have it lose it. The contacts stay.";
  if (!count) return "No contact has it.";
  return count === 1
    ? "1 contact has it, and loses it. The contact stays."
    : `${plural(count, "contact has", "contacts have")} it, and lose it. The contacts stay.`;
}
