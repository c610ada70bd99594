import { resolve, sep } from 'node:path'
import type * as audit from '@finchat/secrets-audit'
import { configurationError, loadOnUse } from '@finchat/secrets-core/provider'
import { UsageError } from '../terminal/failure.ts'
import { assertNew, reserveOutput } from '../files/output-file.ts'
import { ignoreKey } from '../setup/ignored-files.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import { writeKey } from '../setup/write-key.ts'
import { type CommandContext, explained } from '../commands/context.ts'
import { ownPackage, pemsIn, textIn } from './auditors-keys.ts'

interface InitFlags {
  readonly keyFile?: string
  readonly auditor?: string
  readonly reveal?: boolean
  readonly json?: boolean
}

/** Makes a folder ready for sealed records, and gives out the auditor's key, once, or seals it. */
export default async function init(context: CommandContext, flags: InitFlags, folder: string): Promise<void> {
  const { terminal } = context
  if (flags.auditor !== undefined) return seal(context, flags, flags.auditor, folder)
  await explained('the folder was not made ready', async () => {
    assertPlaceForKey(flags, terminal)
    const path = resolve(terminal.cwd(), folder)
    const keyFile = flags.keyFile === undefined ? undefined : resolve(terminal.cwd(), flags.keyFile)
    if (keyFile?.startsWith(path + sep)) throw new UsageError('the key would lie in the folder that it verifies', 'name a file elsewhere')
    if (keyFile !== undefined) await ignore(keyFile, terminal)
    const id = keyFile === undefined ? await toStdout(path, flags, terminal) : await toFile(path, keyFile)
    if (flags.json && keyFile !== undefined) terminal.stdout.write(`${JSON.stringify({ folder: path, id, keyFile })}\n`)
  })
  if (flags.json) return
  note(terminal, `the folder is ready for a service: FINCHAT_AUDIT_FOLDER=${resolve(terminal.cwd(), folder)}`)
  note(terminal, 'the key verifies all that is ever written there, and could forge it; it cannot be had again')
  note(terminal, 'give it to the auditor, where the operators of this host cannot read it, and keep none here')
}

/** For a container, where no person can take the key. */
async function seal({ terminal }: CommandContext, flags: InitFlags, auditor: string, folder: string): Promise<void> {
  const path = resolve(terminal.cwd(), folder)
  const id = await explained('the folder was not made ready', async () => {
    if (flags.keyFile !== undefined || flags.reveal)
      throw new UsageError('the key is sealed for the auditor, so none is given out', 'leave out --key-file and --reveal, or --auditor')
    const parts = pemsIn(await textIn(resolve(terminal.cwd(), auditor), "the auditor's public key"))
    const { initAuditFolder } = await loadFolder()
    return (await initAuditFolder(path, { auditor: parts })).folder
  })
  terminal.stdout.write(flags.json ? `${JSON.stringify({ folder: path, id })}\n` : `${id}\n`)
  if (flags.json) return
  note(terminal, `the folder is ready for a service: FINCHAT_AUDIT_FOLDER=${path}`)
  note(terminal, 'its key is sealed in auditor-key.json; keep the id, which shows that it is this folder')
}

/** A masked key would be lost. */
function assertPlaceForKey({ keyFile, reveal }: InitFlags, { stdout }: Terminal): void {
  if (keyFile !== undefined || reveal || stdout.isTTY !== true) return
  throw new UsageError(
    'the key would be shown on this terminal, which may keep it',
    'write it to a file by --key-file FILE, pipe it to a password manager, or show it by --reveal',
  )
}

/** Git must never take the key. */
async function ignore(keyFile: string, terminal: Terminal): Promise<void> {
  assertNew(keyFile)
  const entries = await ignoreKey(keyFile, terminal.env)
  if (entries.length > 0) note(terminal, `.gitignore has ${entries.join(', ')}`)
}

async function toFile(path: string, keyFile: string): Promise<string> {
  const file = await reserveOutput(keyFile)
  try {
    const { folder, key } = await made(path)
    await file.write(key).catch(keyIsLost)
    key.fill(0)
    return folder
  } catch (error) {
    await file.remove()
    throw error
  }
}

function keyIsLost(): never {
  throw configurationError('the key could not be written, and is lost', makeAnew)
}

const makeAnew = 'remove the folder, and make it ready again with a new --key-file'

async function toStdout(path: string, { json }: InitFlags, terminal: Terminal): Promise<string> {
  const { folder, key } = await made(path)
  const text = Buffer.from(key).toString('latin1')
  key.fill(0)
  const end = terminal.stdout.isTTY === true ? '\n' : ''
  await writeKey(json ? `${JSON.stringify({ folder: path, id: folder, key: text })}\n` : `${text}${end}`, terminal, makeAnew)
  return folder
}

async function made(path: string): Promise<{ readonly folder: string; readonly key: Uint8Array }> {
  const { initAuditFolder } = await loadFolder()
  return initAuditFolder(path, { keyAs: 'bytes' })
}

async function loadFolder(): Promise<typeof audit> {
  return loadOnUse(ownPackage, () => import('@finchat/secrets-audit'), 'initAuditFolder')
}
