import { errorOf, offline } from "./errors.js";

/** Calls of the server's REST, signed with the API key. All reject with `ApiError`. */
export class Rest {
  /** `key()` gives the API key that is signed in with now; `writerId` names this browser. */
  constructor(key, writerId) {
    this.key = key;
    this.writerId = writerId;
  }

  get(path, query, options) {
    return this.#json("GET", path, undefined, query, options);
  }

  post(path, body, query, options) {
    return this.#json("POST", path, body, query, options);
  }

  put(path, body) {
    return this.#json("PUT", path, body);
  }

  patch(path, body) {
    return this.#json("PATCH", path, body);
  }

  /** `keepalive`: it gets through also when the page is being left. */
  delete(path, { keepalive = false } = {}) {
    return this.#json("DELETE", path, undefined, undefined, { keepalive });
  }

  /** Every item of a list, page by page. */
  async all(path, query = {}) {
    const items = [];
    let cursor = null;
    do {
      const page = await this.get(path, { limit: 500, ...query, cursor });
      items.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor);
    return items;
  }

  /**
   * Sends a file as the body; `onProgress` is told the part that is sent, 0 to 1.
   *
   * XMLHttpRequest, as fetch tells nothing of how far an upload is.
   */
  upload(path, file, query = {}, { onProgress, signal, headers = {} } = {}) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", address(path, { file_name: file.name, ...query }));
      const type = file.type || "application/octet-stream";
      const sent = { ...this.#who(), "Content-Type": type, ...headers };
      for (const [name, value] of Object.entries(sent)) request.setRequestHeader(name, value);
      request.responseType = "json";
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) onProgress?.(event.loaded / event.total);
      });
      request.addEventListener("load", () => {
        const { status, response } = request;
        if (status < 400) resolve(response);
        else reject(errorOf(status, response));
      });
      request.addEventListener("error", () => reject(offline()));
      request.addEventListener("abort", () => reject(signal?.reason ?? offline()));
      signal?.addEventListener("abort", () => request.abort());
      request.send(file);
    });
  }

  /** Saves what the server sends as a file under the server's name for it, which it gives. */
  async download(path, query = {}, { method = "GET", body } = {}) {
    const response = await this.#fetch(method, path, body, query);
    const disposition = response.headers.get("Content-Disposition") ?? "";
    const name = nameIn(disposition) ?? path.split("/").pop();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = name;
    link.click();
    // Not at once: the browser is only about to read it.
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    return name;
  }

  #who() {
    return { "X-API-Key": this.key(), "X-Writer-Id": this.writerId };
  }

  async #json(method, path, body, query, options) {
    const response = await this.#fetch(method, path, body, query, options);
    return response.json();
  }

  async #fetch(method, path, body, query = {}, { signal, headers = {}, keepalive = false } = {}) {
    const sent = { ...this.#who(), ...headers };
    if (body !== undefined) sent["Content-Type"] = "application/json";
    let response;
    try {
      response = await fetch(address(path, query), {
        method,
        headers: sent,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
        keepalive,
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw offline();
    }
    if (response.ok) return response;
    throw errorOf(response.status, await problemOf(response));
  }
}

/** The path with its query: arrays repeat the parameter; what is empty is left out. */
export function address(path, query = {}) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== "") parameters.append(name, each);
    }
  }
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

/** The file's name in a Content-Disposition, or null (RFC 6266, the encoded form first). */
export function nameIn(disposition) {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(disposition);
  if (encoded) return decodeURIComponent(encoded[1]);
  return /filename="?([^";]+)"?/i.exec(disposition)?.[1] ?? null;
}

async function problemOf(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    // Not the server's own words: a proxy's page, which `errorOf` does without.
    return null;
  }
}
