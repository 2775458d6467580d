/**
 * The address of the page: `#/contacts/ID?search=ann`.
 *
 * In the fragment, so that names that are searched for never reach the log of a server or proxy.
 * Event `route`: it changed. A route is `{path, parts, query}`; parameters that repeat are arrays.
 */
export class Router extends EventTarget {
  constructor() {
    super();
    this.route = parse(location.hash);
    window.addEventListener("hashchange", () => this.#changed());
  }

  href(path, query = {}) {
    return `#${format(path, query)}`;
  }

  /** Goes there; Back returns. */
  go(path, query = {}) {
    location.hash = format(path, query);
  }

  /** The same page with other parameters; nothing that Back would return to. */
  replace(query, path = this.route.path) {
    history.replaceState(null, "", this.href(path, query));
    this.#changed();
  }

  #changed() {
    this.route = parse(location.hash);
    this.dispatchEvent(new CustomEvent("route", { detail: this.route }));
  }
}

/** The route of a fragment. */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#/, "").split(/\?(.*)/s);
  const parts = path.split("/").filter(Boolean).map(decoded);
  const parameters = {};
  for (const [name, value] of new URLSearchParams(query)) {
    parameters[name] = name in parameters ? [parameters[name], value].flat() : value;
  }
  return { path: `/${parts.map(encodeURIComponent).join("/")}`, parts, query: parameters };
}

/** The fragment of a route, without its #; what is empty is left out. */
export function format(path, query = {}) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of [value].flat()) {
      if (each !== null && each !== undefined && each !== "") parameters.append(name, each);
    }
  }
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    // A % that was typed by hand means itself.
    return part;
  }
}
