// Which days the statistics are of. Days are UTC, as the server counts them: "2026-11-25".

const DAY_MS = 86_400_000;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
export const CHOICES = [7, 30, 90];
export const MOST_DAYS = 366;

/** Today, or the day at a time in milliseconds. */
export const dayOf = (time = Date.now()) => new Date(time).toISOString().slice(0, 10);

const startOf = (day) => Date.parse(`${day}T00:00:00Z`);
const isDay = (text) => DAY.test(text) && !Number.isNaN(startOf(text));

/**
 * The days that an address asks for: `{from, to, days}`, where `days` is the choice that is pressed,
 * or null for an own span. What can't be is made to fit: the last 30 days, at most 366, none to come.
 */
export function rangeOf({ days, from, to } = {}, now = Date.now()) {
  const today = dayOf(now);
  if (!isDay(from) && !isDay(to)) {
    const choice = CHOICES.includes(Number(days)) ? Number(days) : 30;
    return { from: dayOf(startOf(today) - (choice - 1) * DAY_MS), to: today, days: choice };
  }
  const last = isDay(to) && to < today ? to : today;
  const earliest = dayOf(startOf(last) - (MOST_DAYS - 1) * DAY_MS);
  const first = isDay(from) ? from : dayOf(startOf(last) - 29 * DAY_MS);
  // Days as texts are in the order of time.
  const [, middle] = [first, earliest, last].sort();
  return { from: middle, to: last, days: null };
}

/** The day an address asks to see minute by minute; today if it names none, or one to come. */
export function minuteDayOf({ day } = {}, now = Date.now()) {
  const today = dayOf(now);
  return isDay(day) && day <= today ? day : today;
}
