// A key as somebody pasted it.

const PRINTABLE = /^[\x21-\x7e]+$/;

/** The key in what was pasted: no spaces or line breaks around it, and no quotes. */
export function keyIn(text) {
  const bare = text.trim();
  return /^(["'`]).*\1$/s.test(bare) ? bare.slice(1, -1).trim() : bare;
}

/** What is wrong with a key before anybody is asked, or null. */
export function faultOf(key) {
  if (!key) return "Enter your API key.";
  if (/\s/.test(key)) return "There is a space or a line break in this key. Copy the key alone.";
  if (!PRINTABLE.test(key))
    return "A key has only plain letters, digits and signs. Copy it once more.";
  if (key.length > 200) return "This is too long for a key. Copy the key alone.";
  return null;
}
