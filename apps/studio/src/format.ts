/** Numbers for people. All are in English, as the app is. */

const units = ["B", "kB", "MB", "GB", "TB"] as const;

/** Bytes in decimal units with three digits, as download sizes are given: 98.7 MB. */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  // 999.5 would round to 1000 of its unit.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** A duration, as coarse as it is long: 0.34 s, 4.2 s, 48 s, 3 min 20 s, 1 h 5 min. */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.995) return `${Math.max(0, seconds).toFixed(2)} s`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 === 0 ? `${minutes} min` : `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A time to wait, in whole seconds, as it is a guess anyway: 3 s, 3 min 20 s. */
export function formatTimeLeft(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  return whole < 60 ? `${whole} s` : formatSeconds(whole);
}

/** Number of weights: 135M, 1.7B. */
export function formatParameters(count: number): string {
  if (count >= 999.5e6) return `${(count / 1e9).toFixed(1).replace(/\.0$/, "")}B`;
  return `${Math.round(count / 1e6)}M`;
}

/** Tokens a second: 41.2, 128. */
export function formatRate(perSecond: number): string {
  return perSecond >= 99.95 ? String(Math.round(perSecond)) : perSecond.toFixed(1);
}
