// Addresses that a contact's values may be opened by. Anything that is not surely harmless is none.

const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
const HOST = /^[^\s/?#@:]+\.[^\s/?#@:.]{2,}(:\d+)?([/?#]\S*)?$/u;

/** The http(s) address of a website, null for whatever is another (`javascript:`) or none. */
export function websiteHref(value) {
  const text = (value ?? "").trim();
  const whole = /^https?:\/\//i.test(text) ? text : HOST.test(text) ? `https://${text}` : null;
  if (!whole) return null;
  const url = parsed(whole);
  return url && /^https?:$/.test(url.protocol) && !url.username ? url.href : null;
}

/** `mailto:` with everything escaped that would add a header or another address. */
export function mailHref(value) {
  const text = value ?? "";
  const at = text.lastIndexOf("@");
  if (at < 1 || SCHEME.test(text)) return null;
  return `mailto:${encodeURIComponent(text.slice(0, at))}@${encodeURIComponent(text.slice(at + 1))}`;
}

/** `tel:` of a phone `{value, e164}`, null where there is nothing to dial. */
export function phoneHref({ value = "", e164 }) {
  const number = e164 ?? value.replace(/[^\d+*#]/g, "");
  return /\d/.test(number) ? `tel:${number.replaceAll("#", "%23")}` : null;
}

function parsed(text) {
  try {
    return new URL(text);
  } catch {
    // Not an address after all.
    return null;
  }
}
