/**
 * Returns the epoch milliseconds of `Retry-After` (RFC 9110), which is seconds or a date; undefined if
 * the header is missing or neither.
 *
 * @example
 * import { retryAtOf } from '@finchat/secrets-core/http'
 *
 * console.log(retryAtOf('Fri, 27 Nov 2026 10:00:00 GMT'), retryAtOf('soon')) // 1795773600000 undefined
 */
export function retryAtOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  if (/^\d{1,9}$/.test(header)) return Date.now() + Number(header) * 1000
  const at = /^[A-Z][a-z]+, .+ GMT$/.test(header) ? Date.parse(header) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}
