import { loadCrypto } from '@finchat/secrets-core/provider'

// AWS versions have ids and labels, and no numbers. We keep the number in labels: reads use `v<n>`.
// `put-<n>`, or `claim-<n>` for a staged version, stays until the version is known to have been
// current. `staged-<n>` marks a staged version, `since-<n>-<ms>` a promoted one, `note-<n>-…` a note.
// A number with any of these labels but a note is used up.

export const current = 'AWSCURRENT'
export const previous = 'AWSPREVIOUS'
export const pending = 'AWSPENDING'

export function versionLabel(number: number): string {
  return `v${number}`
}

/** From the put until AWSCURRENT is known to have been on the version. */
export function putLabel(number: number): string {
  return `put-${number}`
}

export function stagedLabel(number: number): string {
  return `staged-${number}`
}

/**
 * AWS gives a label to one version only, so it decides between promotion and discard. A promotion
 * attaches it to the staged version, a discard to the current one.
 */
export function claimLabel(number: number): string {
  return `claim-${number}`
}

/**
 * Attached before a promotion moves AWSCURRENT, at most a minute: a time of AWS's own clock, in
 * epoch milliseconds. 0 if AWS's answer had none.
 */
export function sinceLabel(number: number, time: number): string {
  return `since-${number}-${time}`
}

const sinceGrammar = /^since-([1-9]\d{0,15})-(\d{1,15})$/

export function isSince(label: string): boolean {
  return sinceGrammar.test(label)
}

/**
 * When the version was promoted; `undefined` if it was not, or AWS did not tell. Two processes that
 * promoted it left two times: the one that moved AWSCURRENT did so after its own.
 */
export function promotedAt(labels: readonly string[]): number | undefined {
  const times = labels.flatMap((label) => sinceGrammar.exec(label)?.[2] ?? []).map(Number)
  return times.length === 0 ? undefined : Math.min(...times) || undefined
}

/** Whether it was staged, also if it was promoted since. */
export function wasStaged(labels: readonly string[]): boolean {
  return stagedNumberOf(labels) !== undefined || labels.some(isSince)
}

/** Marks the placeholder that AWS holds as current before a first version is promoted. */
export const unreleased = 'unreleased'

/** `undefined` if it has none. */
export function numberOf(labels: readonly string[]): number | undefined {
  return madeNumberOf(labels) ?? stagedNumberOf(labels) ?? putNumberOf(labels) ?? highest(labels, sinceGrammar)
}

/** The number that reads use. */
export function madeNumberOf(labels: readonly string[]): number | undefined {
  return highest(labels, /^v([1-9]\d{0,15})$/)
}

export function putNumberOf(labels: readonly string[]): number | undefined {
  return highest(labels, /^put-([1-9]\d{0,15})$/)
}

export function stagedNumberOf(labels: readonly string[]): number | undefined {
  return highest(labels, /^staged-([1-9]\d{0,15})$/)
}

export function claimNumberOf(labels: readonly string[]): number | undefined {
  return highest(labels, /^claim-([1-9]\d{0,15})$/)
}

/** Not yet known to have been current. */
export function isUnproven(labels: readonly string[]): boolean {
  const number = numberOf(labels)
  return putNumberOf(labels) !== undefined || (number !== undefined && labels.includes(claimLabel(number)))
}

/** Whether AWS's labels show that the version is or was current. */
export function isInUse(labels: readonly string[]): boolean {
  return labels.includes(current) || labels.includes(previous)
}

/** A placeholder, which no read shows. */
export function isUnreleased(labels: readonly string[]): boolean {
  return labels.includes(unreleased)
}

/**
 * Numbers only grow. So a `v<n>` above `highestInUse` is of a writer without `put-<n>` that stopped
 * half-way.
 */
export function wasNeverCurrent(labels: readonly string[], highestInUse: number | undefined): boolean {
  if (isUnreleased(labels)) return true
  if (isInUse(labels)) return false
  const number = madeNumberOf(labels)
  if (number === undefined || isUnproven(labels)) return true
  return highestInUse !== undefined && number > highestInUse
}

/**
 * The id of version `number`, also the `ClientRequestToken` that creates it. If two writers use one
 * number, AWS takes the first and refuses the other. Independent of the value.
 */
export function versionIdOf(arn: string, number: number): string {
  // Loaded at first use: importing this package loads no builtin.
  const { createHash } = loadCrypto()
  const hex = createHash('sha256').update(`finchat-secrets\n${arn}\n${number}`).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}

function highest(labels: readonly string[], grammar: RegExp): number | undefined {
  const numbers = labels.flatMap((label) => {
    const number = Number(grammar.exec(label)?.[1])
    return Number.isSafeInteger(number) ? [number] : []
  })
  return numbers.length === 0 ? undefined : Math.max(...numbers)
}
