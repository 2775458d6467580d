// U+202A to U+202E and U+2066 to U+2069 turn the direction of what follows them.
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/g;

/**
 * A sentence in which names stand, without the signs by which one of them would turn the rest of it
 * round. Where a name stands alone, its element keeps its direction to itself.
 */
export const sentence = (text) => String(text).replace(DIRECTION, "");
