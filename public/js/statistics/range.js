// Which days the statistics are of.

import { dayAfter, dayInWords, dayOf, isDay } from "../core/days.js";
import { serverNow } from "../core/times.js";

export const CHOICES = [7, 30, 90];
export const MOST_DAYS = 366;

/**
 * The days that an address asks for: `{from, to, days}`, where `days` is the choice that is pressed,
 * or null for an own span. What can't be is made to fit: the last 30 days, at most 366 (then `cut` is
 * true), none to come.
 */
export function rangeOf({ days, from, to } = {}, now = serverNow()) {
  const today = dayOf(now);
  if (!isDay(from) && !isDay(to)) {
    const choice = CHOICES.includes(Number(days)) ? Number(days) : 30;
    return { from: dayAfter(today, 1 - choice), to: today, days: choice };
  }
  const last = isDay(to) && to < today ? to : today;
  const earliest = earliestFor(last);
  const first = isDay(from) ? from : dayAfter(last, -29);
  const [, middle] = [first, earliest, last].sort();
  return { from: middle, to: last, days: null, ...(first < earliest && { cut: true }) };
}

/** The first day that can be shown together with a last one. */
export const earliestFor = (last) => dayAfter(last, 1 - MOST_DAYS);

/** "In the last 30 days", "On 25 Nov 2026", "From 1 Nov 2026 to 25 Nov 2026". */
export function rangeInWords({ from, to, days }) {
  if (days) return `In the last ${days} days`;
  const [first, last] = [from, to].map(dayInWords);
  return from === to ? `On ${first}` : `From ${first} to ${last}`;
}

/** The day an address asks to see minute by minute; today if it names none, or one to come. */
export function minuteDayOf({ day } = {}, now = serverNow()) {
  const today = dayOf(now);
  return isDay(day) && day <= today ? day : today;
}
