// Versions of AWS Secrets Manager have ids and staging labels, and no numbers. We keep a version's number in a label of its own: `v<n>` since it
// was made to be current, `staged-<n>` since it was staged. A number whose label exists is used up.

export const current = 'AWSCURRENT'
export const previous = 'AWSPREVIOUS'
export const pending = 'AWSPENDING'

export function versionLabel(number: number): string {
  return `v${number}`
}

export function stagedLabel(number: number): string {
  return `staged-${number}`
}

/** For the first version of a secret, to which AWS attaches AWSCURRENT by itself, though it was staged. */
export function unreleasedLabel(number: number): string {
  return `unreleased-${number}`
}

/** The number of a version; `undefined` where nobody gave it one. */
export function numberOf(labels: readonly string[]): number | undefined {
  return madeNumberOf(labels) ?? stagedNumberOf(labels)
}

/** The number of a version that was made to be current. */
export function madeNumberOf(labels: readonly string[]): number | undefined {
  return highest(labels, /^v([1-9]\d{0,15})$/)
}

export function stagedNumberOf(labels: readonly string[]): number | undefined {
  return highest(labels, /^(?:staged|unreleased)-([1-9]\d{0,15})$/)
}

/** It was staged before there was any other version, and never promoted: AWS has it as current, and no read of ours shows it. */
export function isUnreleased(labels: readonly string[]): boolean {
  return madeNumberOf(labels) === undefined && labels.some((label) => label.startsWith('unreleased-'))
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
