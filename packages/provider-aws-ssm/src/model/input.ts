import { type NewSecret, SecretsError } from '@finchat/secrets-core'
import { assertValue, assertVersionNumber, checkedTags, type TagRules } from '@finchat/secrets-core/provider'
import { limits, mostBytes, type ParameterTier } from './limits.ts'

/** The API reference of `Tag`: letters, digits, spaces and these signs. */
const tagText = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

export const tagRules: TagRules = {
  most: limits.tags,
  isKey: (key) => key !== '' && key.length <= limits.tagKeyLength && tagText.test(key) && !/^aws:/i.test(key),
  isValue: (value) => value.length <= limits.tagValueLength && tagText.test(value),
  remedy: `use keys of 1 to ${limits.tagKeyLength} and values of at most ${limits.tagValueLength} letters, digits, spaces and _ . : / = + - @, and no key that begins with aws:`,
}

export interface CheckedSecret {
  readonly value: string
  readonly tags: Readonly<Record<string, string | null>>
  /** Only if there is no such parameter. */
  readonly isFirst: boolean
}

/** Throws for what AWS cannot hold, and `UNSUPPORTED` for a condition that it cannot keep. */
export function checkSecret({ value, version, ifCurrent, tags = {} }: NewSecret, tier: ParameterTier | undefined): CheckedSecret {
  if (version !== undefined) assertVersionNumber(version)
  assertValue(value, { minBytes: 1, maxBytes: mostBytes(tier), binary: false })
  const checked = { value: String(value), tags: checkedTags(tags, tagRules), isFirst: ifCurrent === null || version === 1 }
  const isFirstOnly = (version ?? 1) === 1 && (ifCurrent ?? null) === null
  if (isFirstOnly) return checked
  throw new SecretsError('UNSUPPORTED', 'Parameter Store cannot compare versions, and counts them by itself', {
    remedy: firstOnly({ version, ifCurrent }),
  })
}

/** Names what was passed, and nothing else. */
function firstOnly({ version, ifCurrent }: Pick<NewSecret, 'version' | 'ifCurrent'>): string {
  const passed = [version !== undefined && (['version', '1'] as const), ifCurrent !== undefined && (['ifCurrent', 'null'] as const)]
  const options = passed.filter((each) => each !== false)
  const allowed = options.map(([option, value]) => `\`${option}: ${value}\``).join(' with ')
  return `leave out ${options.map(([option]) => `\`${option}\``).join(' and ')}; ${allowed} writes a first version only`
}
