import { render } from "../vendor.js";

const options = new WeakMap();

/**
 * Shows a template in an element; `host` is what its handlers are called on.
 *
 * lit-html keeps the options of an element's first template for all that follow: so they are one object
 * for each element, whose host changes. Whatever a view may fill is filled by this alone.
 */
export function show(element, template, host = null) {
  if (!options.has(element)) options.set(element, {});
  options.get(element).host = host;
  render(template, element, options.get(element));
}

/**
 * What fills the page, or a part of it, for a route. A subclass says what it shows (`template`)
 * and calls `invalidate` when that changed; everything it listens to ends with it.
 */
export class View {
  #frame = null;
  #end = new AbortController();

  constructor(application, element) {
    this.application = application;
    this.element = element;
  }

  /** Aborted when the view is closed: for fetches and listeners. */
  get signal() {
    return this.#end.signal;
  }

  /** Called once, before anything is shown. */
  opened(_route) {}

  /** Called at first and whenever the path or its parameters changed. */
  routed(_route) {}

  template() {
    throw new Error("A view says what it shows.");
  }

  closed() {}

  /** Shows it anew with the next frame. */
  invalidate() {
    if (this.#frame || this.signal.aborted) return;
    const show = () => {
      this.#frame = null;
      if (!this.signal.aborted) this.renderNow();
    };
    // A hidden page has no frames, and still must not be found out of date.
    this.#frame = document.hidden ? setTimeout(show, 100) : requestAnimationFrame(show);
  }

  renderNow() {
    show(this.element, this.template(), this);
  }

  listen(target, type, handler, options = {}) {
    target.addEventListener(type, handler.bind(this), { ...options, signal: this.signal });
  }

  /** Repeats `work` while the page is seen, and at once when it is seen again. */
  every(seconds, work) {
    const seen = () => {
      if (!document.hidden) work.call(this);
    };
    const timer = setInterval(seen, seconds * 1_000);
    this.signal.addEventListener("abort", () => clearInterval(timer));
    this.listen(document, "visibilitychange", seen);
  }

  open(route) {
    this.opened(route);
    this.routed(route);
    this.renderNow();
  }

  close() {
    this.#end.abort();
    this.closed();
    show(this.element, null);
  }
}
