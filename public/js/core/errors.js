import { formatCount } from "./times.js";

// What the server takes unless it says otherwise; and room for what is around a payload.
const MOST_BYTES = 1_000_000;
const SPARE_BYTES = 1_000;
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

/**
 * Refuses what is too large to be sent: the line would be cut, and it would be sent again for ever.
 * `most` is what the server takes, unknown before the first connection.
 */
export function checkSize(payload, most = MOST_BYTES) {
  const size = new TextEncoder().encode(JSON.stringify(payload)).length;
  if (size > most - SPARE_BYTES) {
    throw new ApiError("too_large", `This is ${formatCount(size)} bytes long. Make it shorter.`);
  }
}

/** Nothing got through. */
export function offline() {
  return new ApiError(
    "offline",
    "The server can't be reached. Check the connection, then try again.",
  );
}
