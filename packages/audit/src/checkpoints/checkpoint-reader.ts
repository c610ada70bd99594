import { statSync } from 'node:fs'
import { opendir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileFailure, SecretsError } from '@finchat/secrets-core/provider'
import { canonicalLineIfAny } from '../record/canonical.ts'
import type { CheckpointState } from '../format/checkpoint-line.ts'
import { readerError } from '../disk/changed-meanwhile.ts'
import { shownPath } from '../disk/folder-errors.ts'
import type { CheckpointTable, FoundCheckpoint, HeldCheckpoints } from './checkpoint-table.ts'
import { isCount, parsedLine } from '../format/segment-format.ts'
import { bufferSize } from '../format/segment-files.ts'
import { linesOf } from '../format/segment-reader.ts'

export type CheckpointSource = string | readonly string[]

/**
 * Reads checkpoints from a file, a folder of files, or lines: bare, or in a record as any sink
 * wrote it. Skips other lines.
 */
export async function checkpointsIn(source: CheckpointSource, table: CheckpointTable): Promise<HeldCheckpoints> {
  for await (const [file, first, lines] of sourceLines(source)) {
    for (const [index, line] of lines.entries()) {
      const found = asCheckpoint(line, file, first + index)
      if (found !== undefined) table.add(found)
    }
  }
  return table.held()
}

async function* sourceLines(source: CheckpointSource): AsyncGenerator<readonly [file: string, first: number, lines: readonly Buffer[]]> {
  if (typeof source !== 'string') {
    for (const [index, line] of source.entries()) yield ['checkpoints', index + 1, [Buffer.from(line)]]
    return
  }
  try {
    for await (const path of pathsOf(source)) {
      let first = 1
      for await (const lines of linesOf(path, undefined, 'at once')) {
        yield [basename(path), first, lines]
        first += lines.length
      }
    }
  } catch (error) {
    throw readerError(error, source, 'the checkpoints')
  }
}

/** A missing path is the checkpoints', not the trail's. */
function asMissing(error: unknown, source: string): unknown {
  return fileFailure(error) === 'missing' ? missing('the checkpoints are not where `checkpoint` says', source) : error
}

export function noneOfThisFolder(source: CheckpointSource): SecretsError {
  return missing('there is no checkpoint of this folder where `checkpoint` says', source)
}

function missing(problem: string, source: CheckpointSource): SecretsError {
  return new SecretsError('AUDIT_FAILED', typeof source === 'string' ? `${problem}: ${shownPath(source)}` : problem, {
    remedy: 'correct it, or ask who removed them; without `checkpoint` the ends that no process ended stay unproven',
  })
}

async function* pathsOf(source: string): AsyncGenerator<string> {
  const found = await stat(source).catch((error: unknown) => {
    throw asMissing(error, source)
  })
  if (!found.isDirectory()) yield source
  else yield* filesIn(source)
}

/** Without folders, such as `lost+found` of a mount, and broken links. */
async function* filesIn(folder: string): AsyncGenerator<string> {
  for await (const { name } of await opendir(folder, { bufferSize })) {
    const path = join(folder, name)
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) yield path
  }
}

/** `kind`, `v` and the checked members, without MAC and signature, and without `trail`. */
const membersOfOurs = 11

function asCheckpoint(text: Buffer, file: string, line: number): FoundCheckpoint | undefined {
  return bareCheckpoint(text, file, line) ?? anyCheckpoint(text, file, line)
}

const [digits, hash] = ['(0|[1-9]\\d{0,14})', '"([\\w-]{43})"']
/** A line as it was sent, which most are. */
const ownForm = new RegExp(
  `^{"bytes":${digits},"folder":"([\\w-]{36})","group":${digits},"head":${hash},"index":${digits},"kind":"checkpoint","mac":${hash},` +
    `"records":${digits},"seals":${hash},(?:"signature":"([\\w-]+)",)?"step":${digits},"time":${digits},(?:"trail":"([\\w-]{36})",)?"v":2}\n?$`,
)

/** The same as `anyCheckpoint`, five times faster. */
function bareCheckpoint(text: Buffer, file: string, line: number): FoundCheckpoint | undefined {
  const parts = ownForm.exec(text.toString('latin1'))
  if (parts === null) return undefined
  const [, bytes, folder = '', group, head = '', index, mac = '', records, seals = '', signature, step, time, trail] = parts
  const counts = { bytes: Number(bytes), group: Number(group), index: Number(index), records: Number(records) }
  return { ...counts, step: Number(step), time: Number(time), trail, folder, head, mac, seals, signature, signed: undefined, file, line }
}

function anyCheckpoint(text: Buffer, file: string, line: number): FoundCheckpoint | undefined {
  const inner = text.includes('checkpoint') ? checkpointIn(text) : undefined
  if (inner?.['kind'] !== 'checkpoint') return undefined
  const { mac, signature, ...rest } = inner
  if (typeof mac !== 'string' || !isState(rest)) return undefined
  const { folder, step, group, bytes, records, index, time, seals, head } = rest
  const trail = typeof inner['trail'] === 'string' ? inner['trail'] : undefined
  const state = { folder, step, group, bytes, records, index, time, trail, seals, head, mac, signature, file, line }
  const members = trail === undefined ? membersOfOurs : membersOfOurs + 1
  if (inner['v'] === 2 && Object.keys(rest).length === members) return { ...state, signed: undefined }
  const signed = canonicalLineIfAny(rest)
  return signed === undefined ? undefined : { ...state, signed }
}

function isState(members: object): members is CheckpointState {
  const { folder, seals, head, step, group, bytes, records, index, time } = members as Partial<Record<keyof CheckpointState, unknown>> // each is looked at
  const [texts, counts] = [
    [folder, seals, head],
    [step, group, bytes, records, index, time],
  ]
  return texts.every((text) => typeof text === 'string') && counts.every(isCount)
}

/**
 * In JSON of any depth, or in a human line, behind any prefix of a server. Ours are a tenth of that
 * length.
 */
const named = /\bcheckpoint"?[:=] ?("(?:[^"\\]|\\.){0,4000}")/

/** A bare checkpoint, or one in a sink's record. */
function checkpointIn(text: Buffer): Readonly<Record<string, unknown>> | undefined {
  const quoted = named.exec(text.toString('utf8'))?.[1]
  if (quoted === undefined) return parsedLine(text)
  const { checkpoint } = parsedLine(Buffer.from(`{"checkpoint":${quoted}}`)) ?? {}
  return typeof checkpoint === 'string' ? parsedLine(Buffer.from(checkpoint)) : undefined
}
