// Times and numbers as people read them, in the browser's own language and zone.

const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const count = new Intl.NumberFormat();

let skew = 0;

/** Tells how far the server's clock is ahead of this one, in milliseconds. */
export const setSkew = (milliseconds) => {
  skew = milliseconds;
};

/** What time it is by the server's clock, in milliseconds: what it tells of is no later than that. */
export const serverNow = () => Date.now() + skew;

/** 4,211 */
export const formatCount = (number) => count.format(number ?? 0);

/** "Nov 25, 2026, 10:42 AM", or "" for nothing. `time` is a Date, RFC 3339 or milliseconds. */
export const formatTime = (time) => (time ? dateAndTime.format(new Date(time)) : "");

/** "10:42 AM" */
export const formatClock = (time) => (time ? clock.format(new Date(time)) : "");

/** "Nov 25, 2026" */
export const formatDay = (time) => (time ? day.format(new Date(time)) : "");

/** "5 minutes ago"; "just now" below a minute; "" for nothing. */
export function timeAgo(time, now = serverNow()) {
  if (!time) return "";
  const seconds = (new Date(time).getTime() - now) / 1_000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? [];
  return unit ? relative.format(Math.round(seconds / size), unit) : "just now";
}

/** "3 d", "2 h", "5 min", "12 s", of a length in seconds; "0 s" for nothing. */
export function formatLength(seconds) {
  const whole = Math.max(0, Math.round(seconds ?? 0));
  if (whole >= 172_800) return `${Math.round(whole / 86_400)} d`;
  if (whole >= 7_200) return `${Math.round(whole / 3_600)} h`;
  if (whole >= 120) return `${Math.round(whole / 60)} min`;
  return `${whole} s`;
}

/** "1 contact", "4,211 contacts". */
export const plural = (number, one, many = `${one}s`) =>
  `${formatCount(number)} ${number === 1 ? one : many}`;
