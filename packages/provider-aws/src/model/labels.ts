// Versions of AWS Secrets Manager have ids and staging labels, and no numbers. We keep a version's
// number in labels of its own: `v<n>` is the number that reads go by. `put-<n>`, or `claim-<n>` for
// one that was staged, stays beside it until the version is known to have been current.
// `staged-<n>` says that it was staged. A number of which one of these labels exists is used up.

export const current = 'AWSCURRENT'
export const previous = 'AWSPREVIOUS'
export const pending = 'AWSPENDING'

export function versionLabel(number: number): string {
  return `v${number}`
}

/** On a version from when it is put until AWSCURRENT is known to have been on it. */
export function putLabel(number: number): string {
  return `put-${number}`
}

export function stagedLabel(number: number): string {
  return `staged-${number}`
}

/**
 * AWS gives it to one version only, so it decides between a promotion, which attaches it to the
 * staged version, and a discard, which attaches it to the current one.
 */
export function claimLabel(number: number): string {
  return `claim-${number}`
}

/**
 * On what AWS has as current before a first version is promoted, for AWS attaches AWSCURRENT to the
 * first by itself.
 */
export const unreleased = 'unreleased'

/** The number of a version; `undefined` where it has none. */
export function numberOf(labels: readonly string[]): number | undefined {
  return madeNumberOf(labels) ?? stagedNumberOf(labels) ?? putNumberOf(labels)
}

/** The number that reads go by. */
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

/** Its writer has not told yet that it became current. */
export function isUnproven(labels: readonly string[]): boolean {
  const number = numberOf(labels)
  return putNumberOf(labels) !== undefined || (number !== undefined && labels.includes(claimLabel(number)))
}

/** AWS says by its own labels that the version is or was current. */
export function isInUse(labels: readonly string[]): boolean {
  return labels.includes(current) || labels.includes(previous)
}

/**
 * It stands in for a version, and no read of ours shows it, though AWS has it as current or
 * previous.
 */
export function isUnreleased(labels: readonly string[]): boolean {
  return labels.includes(unreleased)
}

/**
 * Whether a version was never current, as its labels tell it. `highest` is the highest number of the versions in use: numbers only grow, so that a
 * plain `v<n>` above it is of a writer that had no `put-<n>` yet and stopped half-way.
 */
export function wasNeverCurrent(labels: readonly string[], highestInUse: number | undefined): boolean {
  if (isUnreleased(labels)) return true
  if (isInUse(labels)) return false
  const number = madeNumberOf(labels)
  if (number === undefined || isUnproven(labels)) return true
  return highestInUse !== undefined && number > highestInUse
}

/**
 * The id of the version that has this number in this secret; also the `ClientRequestToken` that creates it. Of two writers that take one number,
 * AWS takes the content of the first and refuses the other's. It says nothing about the value.
 */
export function versionIdOf(arn: string, number: number): string {
  // Loaded when first needed: importing this package costs nothing.
  const { createHash } = process.getBuiltinModule('node:crypto')
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
