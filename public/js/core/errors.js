/**
 * What the server refused, or that it could not be reached.
 *
 * `code` is the protocol's (`invalid`, `conflict`, …), or `offline` when nothing got through;
 * `message` is for a person; `fields` maps a JSON path to messages; `details` is all that came.
 */
export class ApiError extends Error {
  constructor(code, message, details = {}) {
    super(message);
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
