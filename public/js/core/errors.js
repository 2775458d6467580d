// Where the server's words are for programs, which read the fields, a person is told what is said there.
const FOR_PROGRAMS = "`fields`";

/**
 * What the server refused, or that it could not be reached.
 *
 * `code` is the protocol's (`invalid`, `conflict`, …), or `offline` when nothing got through;
 * `message` is for a person; `fields` maps a JSON path to messages; `details` is all that came.
 */
export class ApiError extends Error {
  constructor(code, message, details = {}) {
    super(forPeople(message, details.fields));
    this.name = "ApiError";
    this.code = code;
    this.fields = details.fields ?? {};
    this.status = details.status ?? null;
    this.retryAfterMs = details.retry_after_ms ?? null;
    this.details = details;
  }

  /** Whether the same may be sent again later, because it was not judged. */
  get passing() {
    return ["offline", "unavailable", "rate_limited", "internal"].includes(this.code);
  }
}

function forPeople(message, fields = {}) {
  const said = [...new Set(Object.values(fields).flat())];
  return message.includes(FOR_PROGRAMS) && said.length ? said.join(" ") : message;
}

/** Of the problem that REST answered, or of what stands in its place (a proxy's page, say). */
export function errorOf(status, problem) {
  const code = problem?.code ?? (status === 502 || status === 504 ? "unavailable" : "internal");
  const message =
    problem?.detail ?? problem?.title ?? `The server answered ${status}. Try again later.`;
  return new ApiError(code, message, { ...problem, status });
}

/** Nothing got through. */
export function offline() {
  return new ApiError(
    "offline",
    "The server can't be reached. Check the connection, then try again.",
  );
}
