import { configurationError } from '@finchat/secrets-core/provider'

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** Ten years. */
const longestMs = 3_650 * unitMs.d

/** Returns the milliseconds of a text such as `30d`, `12h` or `1d 12h`. Throws `CONFIGURATION`. */
export function durationMs(option: string, text: string): number {
  const parts = typeof text === 'string' && /^\d{1,9}[smhdw]( ?\d{1,9}[smhdw])*$/.test(text) ? [...text.matchAll(/(\d+)([smhdw])/g)] : []
  const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (isUnit(unit) ? unitMs[unit] : 0), 0)
  const units = parts.map(([, , unit]) => unit)
  if (ms > 0 && ms <= longestMs && new Set(units).size === units.length) return ms
  throw configurationError(`\`${option}\` is no duration`, 'pass a text such as 30d, 12h, 90m or 1d 12h, of at most ten years')
}

function isUnit(unit: string | undefined): unit is keyof typeof unitMs {
  return unit !== undefined && Object.hasOwn(unitMs, unit)
}
