// How texts are tidied, by the server's rule, so that what only looks changed is not sent.

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is just these that are taken out
const CONTROLS = /[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]/g;
// Marks that ride along when an address or a number is copied from a page or a phone.
const INVISIBLE = /[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g;
const NAMED = /^[^<>]*<([^<>]+)>$/;
const LINKED = /^mailto:([^?]*)(\?.*)?$/i;

/** NFC, trimmed, every run of white space as one space; may give "". */
export const oneLine = (text) =>
  (text ?? "").normalize("NFC").replace(CONTROLS, "").trim().replace(/\s+/gu, " ");

/** NFC, trimmed, newlines as LF. */
export const manyLines = (text) =>
  (text ?? "").normalize("NFC").replace(/\r\n?/g, "\n").replace(CONTROLS, "").trim();

/** One line without the invisible marks that copied addresses and numbers carry. */
export const visibleLine = (text) => oneLine((text ?? "").replace(INVISIBLE, ""));

/** The address alone: `Ann <mailto:Ann@Example.com>` gives `ann@example.com`. */
export function bareEmail(text) {
  const line = visibleLine(text);
  const address = NAMED.exec(line)?.[1].trim() ?? line;
  return (LINKED.exec(address)?.[1].trim() ?? address).toLowerCase();
}
