import { UsageError } from '../terminal/failure.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import { writeKey } from '../setup/write-key.ts'
import { keepKey, type KeptIn, newAgeIdentity, type NewKey, newSigningKeys, newStoreKey, type SigningAlgorithm } from '../setup/new-key.ts'
import { type CommandContext, explained } from '../commands/context.ts'

interface KeygenFlags {
  readonly output?: string
  readonly keychain?: string
  readonly age?: boolean
  readonly postQuantum?: boolean
  readonly signingKeys?: SigningAlgorithm
  readonly json?: boolean
}

/** Makes a key: printed, or kept in a file or the keychain and then never shown. */
export default async function keygen({ terminal }: CommandContext, flags: KeygenFlags): Promise<void> {
  await explained('no key was made', async () => {
    const place = placeOf(flags)
    const key = await newKeyOf(flags, terminal)
    const ignored = place === undefined ? [] : await keepKey(key, place, terminal.cwd(), terminal.env)
    const json = flags.json ? jsonOf(key, place, ignored) : undefined
    if (place === undefined) await writeKey(json ?? `${key.text}\n`, terminal, keepIt)
    else if (json !== undefined) terminal.stdout.write(json)
    if (json !== undefined) return
    noteKey(key, place, terminal)
    if (ignored.length > 0) note(terminal, `.gitignore has ${ignored.join(', ')}`)
  })
}

function placeOf({ output, keychain }: KeygenFlags): KeptIn | undefined {
  if (output !== undefined && keychain !== undefined) throw new UsageError('a key is kept in one place', 'give --output or --keychain')
  if (output === '' || keychain === '') throw new UsageError('the place of the key has no name', 'name a file or a keychain entry')
  if (output !== undefined) return { file: output }
  return keychain === undefined ? undefined : { keychain }
}

async function newKeyOf({ age = false, postQuantum = false, signingKeys }: KeygenFlags, { cwd }: Terminal): Promise<NewKey> {
  if (postQuantum && !age) throw new UsageError('--post-quantum is for age identities', 'give --age too')
  if (age && signingKeys !== undefined) throw new UsageError('one key is made at a time', 'give --age or --signing-keys')
  if (signingKeys !== undefined) return newSigningKeys(signingKeys, cwd())
  return age ? newAgeIdentity(postQuantum, cwd()) : newStoreKey()
}

function jsonOf({ text, recipient }: NewKey, place: KeptIn | undefined, ignored: readonly string[]): string {
  const gitignore = ignored.length === 0 ? undefined : ignored
  return `${JSON.stringify({ ...(place ?? { key: text }), recipient, gitignore })}\n`
}

const keepIt = 'keep the key by --output FILE or --keychain NAME'

function noteKey({ recipient }: NewKey, place: KeptIn | undefined, terminal: Terminal): void {
  if (place !== undefined)
    note(
      terminal,
      'file' in place ? `the key is in ${place.file}, which only you may read` : `the key is in the keychain entry ${place.keychain}`,
    )
  if (recipient !== undefined) note(terminal, `recipient: ${recipient}`)
  if (place === undefined && terminal.stdout.isTTY) note(terminal, 'this screen keeps it: --output FILE or --keychain NAME do not show it')
}
