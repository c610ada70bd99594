import { type Finding, notChecked, ok } from './finding.ts'

/** What a fleet of this configuration reads. */
export interface Fleet {
  readonly processes: number
  readonly secrets: number
  readonly ttlSeconds: number
}

/** Entries are refreshed ahead: with a TTL of 300 s once in about 216 s (docs/fleet.md, "What follows"). */
const meanShareOfTtl = 216 / 300
const [hoursOfDay, hoursOfMonth] = [24, 730]
/** US dollars, by aws.amazon.com/secrets-manager/pricing, November 2026, without taxes and free tiers. */
const awsPrices = { tenThousandCalls: 0.05, secretAndMonth: 0.4 }

/** What the processes would ask of the store in steady state, and what AWS charges for that. */
export function costFinding(name: string, fleet: Fleet): Finding {
  const { processes, secrets, ttlSeconds } = fleet
  if (secrets === 0) return notChecked('cost', 'no secret is declared', 'list them under "secrets" in the configuration file')
  if (ttlSeconds === 0)
    return notChecked('cost', 'the cache is off (TTL 0): every read is a call', 'set cacheTtl, such as 300, to bound the calls')
  const hourly = callsPerHour(fleet)
  const calls = `about ${count(hourly)} calls an hour, ${count(hourly * hoursOfDay)} a day`
  const readers = `${counted(processes, 'process', 'processes')}, ${counted(secrets, 'secret', 'secrets')}`
  return ok('cost', `${calls}, for ${readers}, TTL ${ttlSeconds} s${priceOf(name, hourly, secrets)}`)
}

export function callsPerHour({ processes, secrets, ttlSeconds }: Fleet): number {
  return (processes * secrets * 3_600) / (meanShareOfTtl * ttlSeconds)
}

function priceOf(name: string, hourly: number, secrets: number): string {
  if (name !== 'aws') return ''
  const calls = ((hourly * hoursOfMonth) / 10_000) * awsPrices.tenThousandCalls
  const stored = secrets * awsPrices.secretAndMonth
  return `; $${(calls + stored).toFixed(2)} a month by AWS's list price of 2026-11 ($0.05 for 10,000 calls, $0.40 a secret)`
}

function counted(number: number, one: string, several: string): string {
  return `${count(number)} ${number === 1 ? one : several}`
}

function count(number: number): string {
  return Math.ceil(number).toLocaleString('en-US')
}
