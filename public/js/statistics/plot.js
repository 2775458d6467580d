import { formatClock, formatCount } from "../core/times.js";
import { styles } from "../parts/styles.js";
import { html, nothing, render, svg } from "../vendor.js";
import { cumulated, spanOf, sum } from "./series.js";

const HEIGHT = 220;
const COLOURS = 7;
// Lines are told apart by their dashes, too, for who does not see their colours.
const DASHES = [[], [8, 4], [2, 4], [12, 4, 2, 4], [5, 5], [1, 6], [14, 6]];
// How far apart the days of an axis are: never less than one.
const DAYS_APART = [1, 2, 3, 7, 14, 30, 61, 91, 183].map((days) => days * 86_400);
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
 * Lines or bars over time, with a legend that tells the values under the pointer, else the last ones
 * or the sums.
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
   * Draws `{x, series: [{name, values, tone?}], unit, stacked?, summed?}`; the same object again draws
   * nothing. `x` are seconds, `unit` is "day" (UTC) or "minute" (in the browser's zone). `stacked`: bars
   * upon each other, the first series at the bottom. `summed`: without a pointer the legend tells what
   * each series comes to. `tone` (1 to 7) is the colour of a series, else that of its place.
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
    const values = data.stacked
      ? cumulated(data.series)
      : data.series.map((series) => series.values);
    this.#chart = new Library(this.#options(Library, data), [data.x, ...values], this.#box);
    this.#drawLegend();
  }

  #options(Library, { series, unit, x, stacked = false }) {
    const colour = (name) => getComputedStyle(this.#box).getPropertyValue(name).trim();
    const axis = {
      stroke: colour("--fb-muted"),
      grid: { stroke: colour("--fb-line"), width: 1 },
      ticks: { show: false },
      font: `12px ${colour("--pico-font-family") || "sans-serif"}`,
    };
    const zone = unit === "day" ? "Etc/UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
    const line = (one, index) => ({
      label: one.name,
      stroke: colour(colourName(one, index)),
      width: 2,
      dash: DASHES[index % DASHES.length],
      points: {
        show: (x.length < 40 && series.length === 1) || x.length === 1,
        size: 5,
        fill: colour("--fb-surface"),
      },
    });
    const bar = (one, index) => ({
      label: one.name,
      stroke: colour("--fb-surface"),
      fill: colour(colourName(one, index)),
      // A gap between neighbours, as long as bars are wide enough for one.
      width: x.length < 100 ? 1 : 0,
      paths: Library.paths.bars({ size: [0.8, 40] }),
      points: { show: false },
    });
    return {
      width: this.#box.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: !stacked } },
      tzDate: (seconds) => Library.tzDate(new Date(seconds * 1_000), zone),
      scales: {
        // By the data: of a single day, the library would make some years.
        x: { range: (_chart, ...given) => spanOf(x.length ? x : given, unit, stacked) },
        y: { range: (_chart, _least, most) => [0, Math.max(4, Math.ceil(most * 1.1))] },
      },
      hooks: { setCursor: [(chart) => this.#pointed(chart.cursor.idx ?? null)] },
      axes: [
        {
          ...axis,
          space: 70,
          size: 30,
          ...(unit === "day" ? { incrs: DAYS_APART } : {}),
          values: (_chart, splits) => splits.map((at) => timeText(at, unit)),
        },
        { ...axis, size: 52, values: (_chart, splits) => splits.map(countText) },
      ],
      // The highest bar is drawn first, and the others over it.
      series: [{}, ...(stacked ? series.map(bar).reverse() : series.map(line))],
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
    const { x, series, unit, stacked, summed } = this.#data;
    const inAll = summed && this.#index === null;
    const at = this.#index ?? x.length - 1;
    const when = inAll ? "In all" : timeText(x[at], unit);
    const item = (one, index) => html`
      <li>
        ${stacked ? swatch(one, index) : sample(one, index)}<span class="plot-name">${one.name}</span>
        <span class="plot-value">${inAll ? formatCount(sum(one.values)) : valueText(one.values[at])}</span>
      </li>
    `;
    render(
      html`${x.length ? html`<li class="plot-when">${when}</li>` : nothing}${series.map(item)}`,
      this.#legend,
    );
  }
}

const toneOf = ({ tone }, index) => tone ?? (index % COLOURS) + 1;
const colourName = (one, index) => `--fb-plot-${toneOf(one, index)}`;
const ink = (one, index) => styles({ color: `var(${colourName(one, index)})` });

const swatch = (one, index) => html`<span class="plot-swatch" ${ink(one, index)}></span>`;
const sample = (one, index) => html`
  <svg class="plot-sample" viewBox="0 0 28 8" aria-hidden="true" ${ink(one, index)}>
    ${svg`<path d="M0 4H28" stroke-dasharray=${DASHES[index % DASHES.length].join(" ")}></path>`}
  </svg>
`;

const timeText = (seconds, unit) =>
  unit === "day" ? dayShort.format(seconds * 1_000) : formatClock(seconds * 1_000);

const valueText = (value) => (value === null || value === undefined ? "–" : formatCount(value));

// Counts have no halves.
const countText = (value) => (Number.isInteger(value) ? formatCount(value) : "");
