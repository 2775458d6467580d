import { formatClock, formatCount } from "../core/times.js";
import { html, nothing, render, svg } from "../vendor.js";

const HEIGHT = 220;
// Told apart by their dashes, too, for who does not see their colours.
const DASHES = [[], [8, 4], [2, 4], [12, 4, 2, 4], [5, 5], [1, 6], [14, 6]];
const dayShort = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  timeZone: "UTC",
});

let loading = null;

/** The library, with its style: read when the first plot is drawn. */
function loadLibrary() {
  loading ??= import("../../vendor/uplot/uPlot.min.js").then(
    (module) => {
      const link = document.createElement("link");
      link.rel = "stylesheet";
      link.href = "/vendor/uplot/uPlot.min.css";
      document.head.append(link);
      return module.default;
    },
    (error) => {
      loading = null;
      throw error;
    },
  );
  return loading;
}

/**
 * Lines over time, with a legend that tells the values under the pointer, else the last ones.
 *
 * Give `canvas` and `legend` to lit-html's `ref`, and the data to `show`. It is as wide as its box,
 * and drawn anew when the box or the colours change. `failed(error)` is called if it can't be drawn.
 */
export class Plot {
  #box = null;
  #legend = null;
  #data = null;
  #chart = null;
  #index = null;
  #observer = new ResizeObserver(() => this.#resize());
  #dark = matchMedia("(prefers-color-scheme: dark)");
  #redraw = () => this.#draw();

  constructor({ failed }) {
    this.failed = failed;
    this.#dark.addEventListener("change", this.#redraw);
  }

  canvas = (element) => {
    if (element === this.#box) return;
    this.#observer.disconnect();
    this.#box = element ?? null;
    if (element) this.#observer.observe(element);
    this.#draw();
  };

  legend = (element) => {
    this.#legend = element ?? null;
    this.#drawLegend();
  };

  /**
   * Draws `{x, series: [{name, values}], unit}`; the same object again draws nothing. `x` are seconds,
   * `unit` is "day" (UTC) or "minute" (in the browser's zone).
   */
  show(data) {
    if (data === this.#data) return;
    this.#data = data;
    this.#index = null;
    this.#draw();
  }

  close() {
    this.#observer.disconnect();
    this.#dark.removeEventListener("change", this.#redraw);
    this.#chart?.destroy();
    this.#chart = null;
    this.#box = null;
  }

  async #draw() {
    const data = this.#data;
    if (!this.#box || !data) return;
    let Library;
    try {
      Library = await loadLibrary();
    } catch (error) {
      this.failed(error);
      return;
    }
    // Closed, or given newer data, while the library was on its way.
    if (!this.#box || data !== this.#data) return;
    this.#chart?.destroy();
    const values = data.series.map((series) => series.values);
    this.#chart = new Library(this.#options(Library, data), [data.x, ...values], this.#box);
    this.#drawLegend();
  }

  #options(Library, { series, unit, x }) {
    const colour = (name) => getComputedStyle(this.#box).getPropertyValue(name).trim();
    const axis = {
      stroke: colour("--fb-muted"),
      grid: { stroke: colour("--fb-line"), width: 1 },
      ticks: { show: false },
      font: `12px ${colour("--pico-font-family") || "sans-serif"}`,
    };
    const zone = unit === "day" ? "Etc/UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
    return {
      width: this.#box.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      tzDate: (seconds) => Library.tzDate(new Date(seconds * 1_000), zone),
      scales: { y: { range: (_chart, _least, most) => [0, Math.max(4, Math.ceil(most * 1.1))] } },
      hooks: { setCursor: [(chart) => this.#pointed(chart.cursor.idx ?? null)] },
      axes: [
        {
          ...axis,
          space: 70,
          size: 30,
          values: (_chart, splits) => splits.map((at) => timeText(at, unit)),
        },
        { ...axis, size: 52, values: (_chart, splits) => splits.map(countText) },
      ],
      series: [
        {},
        ...series.map(({ name }, index) => ({
          label: name,
          stroke: colour(colourName(index)),
          width: 2,
          dash: DASHES[index % DASHES.length],
          points: { show: x.length < 40, size: 5, fill: colour("--fb-surface") },
        })),
      ],
    };
  }

  #resize() {
    const width = this.#box?.clientWidth;
    if (width && this.#chart && width !== this.#chart.width) {
      this.#chart.setSize({ width, height: HEIGHT });
    }
  }

  #pointed(index) {
    if (index === this.#index) return;
    this.#index = index;
    this.#drawLegend();
  }

  #drawLegend() {
    if (!this.#legend || !this.#data) return;
    const { x, series, unit } = this.#data;
    const at = this.#index ?? x.length - 1;
    const when = x.length ? timeText(x[at], unit) : "";
    const item = ({ name, values }, index) => html`
      <li>
        ${sample(index)}<span class="plot-name">${name}</span>
        <span class="plot-value">${valueText(values[at])}</span>
      </li>
    `;
    render(
      html`${when ? html`<li class="plot-when">${when}</li>` : nothing}${series.map(item)}`,
      this.#legend,
    );
  }
}

const colourName = (index) => `--fb-plot-${(index % DASHES.length) + 1}`;

const sample = (index) => html`
  <svg class="plot-sample plot-colour-${(index % DASHES.length) + 1}" viewBox="0 0 28 8" aria-hidden="true">
    ${svg`<path d="M0 4H28" stroke-dasharray=${DASHES[index % DASHES.length].join(" ")}></path>`}
  </svg>
`;

const timeText = (seconds, unit) =>
  unit === "day" ? dayShort.format(seconds * 1_000) : formatClock(seconds * 1_000);

const valueText = (value) => (value === null || value === undefined ? "–" : formatCount(value));

// Counts have no halves.
const countText = (value) => (Number.isInteger(value) ? formatCount(value) : "");
