import type { SecretValue } from '@finchat/secrets-core'
import { textOrBytes } from '@finchat/secrets-core/provider'
import { doubtOf, withFallbacks } from '../declared/fallbacks.ts'
import { wholeBytes } from '../transfer/content.ts'
import { UsageError } from '../terminal/failure.ts'
import { note, operator, type Terminal } from '../terminal/terminal.ts'
import { visible } from '../terminal/visible.ts'
import { type CommandContext, type CommonFlags, withReadable } from './context.ts'

interface GetFlags extends CommonFlags {
  readonly version?: number | 'previous' | 'pending'
  readonly field?: string
  readonly reveal?: boolean
}

/** Prints a secret: masked on a terminal, exact in a pipe. */
export default async function get(context: CommandContext, flags: GetFlags, name: string): Promise<void> {
  const { terminal } = context
  const { version, field } = flags
  await withReadable(`${name} could not be read`, context, flags, async (secrets) => {
    const secret = await withFallbacks(async (fallbacks) => {
      const read = await secrets.getSecretValue(name, { version, field, actor: operator() })
      const doubt = doubtOf(name, read, fallbacks)
      if (doubt !== undefined) note(terminal, `warning: ${doubt}`)
      return read
    })
    const isShown = flags.reveal === true || terminal.stdout.isTTY !== true
    if (flags.json) printJson(name, secret, isShown, terminal)
    else if (isShown) printValue(secret, terminal)
    else terminal.stdout.write(`${mask}  ${placeOf(secret)}\n`)
  })
  if (terminal.stdout.isTTY && !flags.reveal) note(terminal, 'masked: --reveal shows it')
}

/** Of one length for every value. */
const mask = '••••••••'

function placeOf({ provider, version }: SecretValue): string {
  return version === undefined ? visible(provider) : `${visible(provider)}, version ${version}`
}

function printValue(secret: SecretValue, { stdout }: Terminal): void {
  const bytes = wholeBytes(secret)
  if (stdout.isTTY !== true) return void stdout.write(bytes)
  stdout.write(`${visible(asText(bytes), '\n\t')}\n`)
}

function printJson(name: string, secret: SecretValue, isShown: boolean, { stdout }: Terminal): void {
  const { provider, version, revision, stale, degraded } = secret
  const value = isShown ? asText(wholeBytes(secret)) : undefined
  stdout.write(`${JSON.stringify({ name, provider, version, revision, stale, degraded, value })}\n`)
}

function asText(bytes: Uint8Array): string {
  const text = textOrBytes(bytes)
  if (typeof text === 'string') return text
  throw new UsageError('the value is not text', 'write its bytes to a file or a pipe: finchat-secrets get NAME > file')
}
