// The libraries, from one place: a newer version or another folder is changed here alone.
export { ifDefined } from "../vendor/lit-html/directives/if-defined.js";
export { keyed } from "../vendor/lit-html/directives/keyed.js";
export { live } from "../vendor/lit-html/directives/live.js";
export { ref } from "../vendor/lit-html/directives/ref.js";
export { repeat } from "../vendor/lit-html/directives/repeat.js";
export { html, noChange, nothing, render, svg } from "../vendor/lit-html/lit-html.js";
