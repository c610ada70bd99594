import type { KeyObject } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { ProblemFound } from './audit-problem.ts'
import { canonicalLine } from './canonical.ts'
import { isMac, macOf } from './key-chain.ts'
import { isCount, parsedLine } from './segment-format.ts'
import { linesOf } from './segment-reader.ts'

/** The signed state of a segment, and where it was read. */
export interface Checkpoint {
  readonly folder: string
  readonly step: number
  /** The last group that was sealed. */
  readonly group: number
  readonly bytes: number
  readonly records: number
  /** The last line of the index that its process knew. */
  readonly index: number
  readonly time: number
  readonly mac: string
  /** The line without its MAC, as it was signed. */
  readonly signed: string
  readonly file: string
  readonly line: number
}

export type CheckpointSource = string | readonly string[]

/**
 * Every checkpoint in the source: a file, a folder of files, or the lines themselves; each a checkpoint, or a record that carries one, as any
 * sink wrote it. Other lines are other sinks' business, and pass.
 */
export async function checkpointsIn(source: CheckpointSource): Promise<readonly Checkpoint[]> {
  const found: Checkpoint[] = []
  for await (const [file, line, text] of sourceLines(source)) {
    const checkpoint = asCheckpoint(text, file, line)
    if (checkpoint !== undefined) found.push(checkpoint)
  }
  return found
}

/** Those of this folder, by the step of their segment and in the order of their groups. */
export function checkpointsByStep(checkpoints: readonly Checkpoint[], folder: string): ReadonlyMap<number, readonly Checkpoint[]> {
  const ours = checkpoints.filter((checkpoint) => checkpoint.folder === folder).toSorted((a, b) => a.group - b.group)
  const found = new Map<number, Checkpoint[]>()
  for (const checkpoint of ours) {
    const others = found.get(checkpoint.step)
    if (others === undefined) found.set(checkpoint.step, [checkpoint])
    else others.push(checkpoint)
  }
  return found
}

/** Throws `ProblemFound` unless it was signed under this key, of the group behind the one that it names. */
export function assertSigned({ signed, mac, file, line }: Checkpoint, key: KeyObject): void {
  if (isMac(macOf(key, 'checkpoint', signed), mac)) return
  throw new ProblemFound({ what: 'edited', file, line, explanation: 'the checkpoint was not signed by this folder' })
}

async function* sourceLines(source: CheckpointSource): AsyncGenerator<readonly [file: string, line: number, text: Buffer]> {
  if (typeof source !== 'string') {
    for (const [index, line] of source.entries()) yield ['checkpoints', index + 1, Buffer.from(line)]
    return
  }
  for (const path of await pathsOf(source)) {
    let number = 0
    for await (const lines of linesOf(path)) for (const line of lines) yield [basename(path), ++number, line]
  }
}

/** Said of the checkpoints: the folder of the trail may well be there. */
function noCheckpoints(error: unknown): never {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
  if (!isMissing) throw error
  throw new SecretsError('AUDIT_FAILED', 'the checkpoints are not where `checkpoint` says', { remedy })
}

const remedy = 'correct it, or ask who removed them; without `checkpoint` the ends that no process ended stay unproven'

export function noneOfThisFolder(): SecretsError {
  return new SecretsError('AUDIT_FAILED', 'there is no checkpoint of this folder where `checkpoint` says', { remedy })
}

/** In a folder its files alone: a mount may have folders of its own, such as `lost+found`. */
async function pathsOf(source: string): Promise<readonly string[]> {
  if (!(await stat(source).catch(noCheckpoints)).isDirectory()) return [source]
  const paths: string[] = []
  for (const name of (await readdir(source)).toSorted()) {
    const path = join(source, name)
    if ((await stat(path)).isFile()) paths.push(path)
  }
  return paths
}

function asCheckpoint(text: Buffer, file: string, line: number): Checkpoint | undefined {
  const inner = text.includes('checkpoint') ? checkpointIn(text) : undefined
  if (inner?.['kind'] !== 'checkpoint') return undefined
  const { mac, ...rest } = inner
  const { folder, step, group, bytes, records, index, time } = rest
  if (typeof folder !== 'string' || typeof mac !== 'string') return undefined
  if (!isCount(step) || !isCount(group) || !isCount(bytes) || !isCount(records) || !isCount(index) || !isCount(time)) return undefined
  return { folder, step, group, bytes, records, index, time, mac, signed: canonicalLine(rest), file, line }
}

/** Behind its name, in JSON of any depth or in a line for people; whatever a server wrote before it. */
const named = /\bcheckpoint"?[:=] ?("(?:[^"\\]|\\.)*")/

/** The line itself, or the checkpoint that stands in what a sink made of its record. */
function checkpointIn(text: Buffer): Readonly<Record<string, unknown>> | undefined {
  const quoted = named.exec(text.toString('utf8'))?.[1]
  if (quoted === undefined) return parsedLine(text)
  const { checkpoint } = parsedLine(Buffer.from(`{"checkpoint":${quoted}}`)) ?? {}
  return typeof checkpoint === 'string' ? parsedLine(Buffer.from(checkpoint)) : undefined
}
