import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { AuditVerification, VerifyAuditOptions } from '@finchat/secrets-audit'
import type * as report from '@finchat/secrets-audit/report'
import { loadOnUse, readCredential, withoutLineEnd } from '@finchat/secrets-core/provider'
import { exitCodes } from '../terminal/exit-codes.ts'
import { UsageError } from '../terminal/failure.ts'
import { inCommands } from '../terminal/in-commands.ts'
import { ProgressLine } from '../terminal/progress.ts'
import { readSecretInput } from '../terminal/secret-input.ts'
import { shellWord } from '../terminal/shell-word.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import { visible } from '../terminal/visible.ts'
import type { CommandContext } from '../commands/context.ts'

/** How a trail is verified. */
export interface TrailFlags {
  readonly keyFile?: string
  readonly checkpoints?: string
  readonly checkpointKey?: string
  readonly pruneKey?: string
  readonly from?: number
  readonly to?: number
  readonly unverified?: boolean
  readonly json?: boolean
}

export const ownPackage = { what: 'the audit trail', name: '@finchat/secrets-audit' }

export async function loadReport(): Promise<typeof report> {
  return loadOnUse(ownPackage, () => import('@finchat/secrets-audit/report'), 'verifiedTrail')
}

/** What was read of a trail; without a verification anybody may have changed it. */
export interface ReadTrail<Result> {
  readonly verification: AuditVerification | undefined
  readonly result: Result
}

/** Reads a trail once: what is read is what is verified. */
export async function readTrail<Result>(
  { terminal }: CommandContext,
  folder: string,
  flags: TrailFlags,
  read: (records: report.AuditRecords) => Promise<Result>,
): Promise<ReadTrail<Result>> {
  const { readAuditRecords, verifiedTrail } = await loadReport()
  const path = resolve(terminal.cwd(), folder)
  await assertTrail(path)
  if (flags.unverified) {
    refuseProofs(flags)
    return { verification: undefined, result: await read(readAuditRecords(path)) }
  }
  const options = await verifyOptions(flags, terminal)
  const progress = new ProgressLine(terminal)
  return progress.during(async () =>
    verifiedTrail(path, options, async (records) => read(counted(records, (count) => progress.show(() => `records verified: ${count}`)))),
  )
}

/** Names the folder in the commands that an error advises. */
export function inFolder(folder: string): (text: string) => string {
  return (text) => text.replaceAll('FOLDER', shellWord(folder))
}

/** The index of a copy that is not complete. */
export const heldIndex = 'index.part'

/** A wrong path must not look like tampering. */
export async function assertTrail(path: string): Promise<void> {
  const names = await readdir(path).catch((): string[] => [])
  if (names.some((name) => name.includes('.jsonl')) && !names.includes(heldIndex)) return
  if (names.includes(heldIndex)) throw new UsageError('this copy is not complete', 'finish it by `finchat-secrets audit copy`')
  const remedy = names.includes('audit') ? 'name the folder audit in it' : 'name the folder with index.jsonl and the segments'
  throw new UsageError('there is no audit trail in this folder', remedy)
}

function refuseProofs({ keyFile, checkpoints, checkpointKey, pruneKey }: TrailFlags): void {
  if ([keyFile, checkpoints, checkpointKey, pruneKey].every((flag) => flag === undefined)) return
  throw new UsageError('a key and checkpoints are for a verification, which --unverified leaves out', 'leave out one of them')
}

async function* counted<Item>(items: AsyncIterable<Item>, show: (count: number) => void): AsyncGenerator<Item> {
  let count = 0
  for await (const item of items) {
    show(++count)
    yield item
  }
}

async function verifyOptions(flags: TrailFlags, terminal: Terminal): Promise<VerifyAuditOptions> {
  const { checkpoints, checkpointKey, pruneKey, from, to } = flags
  const cwd = terminal.cwd()
  return {
    key: await auditorsKey(flags, terminal),
    checkpoint: checkpoints === undefined ? undefined : resolve(cwd, checkpoints),
    checkpointKey: checkpointKey === undefined ? undefined : await textIn(resolve(cwd, checkpointKey), 'the key of checkpoints'),
    pruneKey: pruneKey === undefined ? undefined : await textIn(resolve(cwd, pruneKey), 'the key of removals'),
    from,
    until: to,
  }
}

/** From a file, else from a variable, else from a pipe or a hidden prompt; never from an argument. */
async function auditorsKey({ keyFile }: TrailFlags, terminal: Terminal): Promise<string> {
  if (keyFile !== undefined) return textIn(resolve(terminal.cwd(), keyFile), "the auditor's key")
  const variable = terminal.env['FINCHAT_AUDITOR_KEY']
  if (variable) return variable
  const given = await readSecretInput(terminal, { question: "The auditor's key (hidden)", exact: true }).catch(asNoKey)
  return withoutLineEnd(typeof given === 'string' ? given : '')
}

function asNoKey(error: unknown): never {
  if (!(error instanceof UsageError)) throw error
  throw new UsageError("there is no key of the auditor's", 'give it by --key-file FILE, by FINCHAT_AUDITOR_KEY or by a pipe, or type it')
}

export async function textIn(path: string, what: string): Promise<string> {
  return readCredential({ file: path }, what, new AbortController().signal)
}

/** Says on stderr what the verification found, beside other output. */
export async function noteVerification(verification: AuditVerification | undefined, terminal: Terminal): Promise<void> {
  for (const sentence of await sentencesOf(verification)) note(terminal, sentence)
}

/** The verification in words, a line each. */
export async function sentencesOf(verification: AuditVerification | undefined): Promise<readonly string[]> {
  if (verification === undefined) return ['The trail was not verified, so it may have been changed.']
  const { verificationSentences } = await loadReport()
  return verificationSentences(verification).map((sentence) => visible(inCommands(sentence)))
}

/**
 * 65: the trail was altered. 1: nothing is wrong, but no checkpoint proves that nothing was removed, or
 * nothing was looked at.
 */
export async function exitCodeOfTrail(verification: AuditVerification | undefined): Promise<number> {
  if (verification === undefined) return exitCodes.ok
  const { verificationSeverity } = await loadReport()
  return { good: exitCodes.ok, open: exitCodes.differs, bad: exitCodes.integrity }[verificationSeverity(verification)]
}
