import { Directive, directive } from "../../vendor/lit-html/directive.js";
import { noChange } from "../vendor.js";

class StylesDirective extends Directive {
  #set = new Set();

  render() {
    return noChange;
  }

  update(part, [values]) {
    const { style } = part.element;
    for (const name of this.#set) if (!(name in values)) style.removeProperty(name);
    this.#set = new Set(Object.keys(values));
    for (const [name, value] of Object.entries(values)) style.setProperty(name, value);
    return noChange;
  }
}

/**
 * Sets CSS properties (by their CSS names) of an element: `<div ${styles({"background-color": c})}>`.
 *
 * By the element's style object, as our Content-Security-Policy forbids style attributes, and with
 * them lit-html's own styleMap.
 */
export const styles = directive(StylesDirective);
